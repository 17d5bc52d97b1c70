/** The formats by name: how each is told apart, read and written. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { writeWholeNow } from "../../files/write-whole.ts";
import { cocoOfDataset, readCoco } from "./coco.ts";
import type { Dataset } from "./dataset.ts";
import { datasetOfFlickr30k } from "./flickr30k.ts";
import { firstExisting, namesIn, readText } from "./folders.ts";
import { mdetrOfDataset, readMdetr } from "./mdetr.ts";
import { odvgOfDataset, readOdvg } from "./odvg.ts";
import type { Problems } from "./problems.ts";
import { readTars } from "./tars.ts";
import { readVoc, vocOfDataset } from "./voc.ts";
import { readYolo, yoloOfDataset } from "./yolo.ts";

/** coco stands for LVIS, Objects365 and ODinW as well. */
export const formats = ["coco", "mdetr", "odvg", "yolo", "voc", "flickr30k", "tars"] as const;
export type Format = (typeof formats)[number];

/** Formats that can be written. */
export const writableFormats = ["coco", "mdetr", "odvg", "yolo", "voc"] as const;
export type WritableFormat = (typeof writableFormats)[number];

const cocoNames = [
  "annotations_without_background.json",
  "annotations.json",
  "instances.json",
  "_annotations.coco.json",
];

/** The format of a file or folder by its looks. @throws InputError where it is none that is known. */
export function formatOf(path: string): Format {
  if (!existsSync(path)) throw new InputError(`${path} does not exist`);
  if (statSync(path).isFile()) {
    if (path.endsWith(".jsonl")) return "odvg";
    if (path.endsWith(".tar")) return "tars";
    if (path.endsWith(".json")) return /"(caption|tokens_positive)"\s*:/.test(readText(path)) ? "mdetr" : "coco";
  } else {
    const has = (name: string) => existsSync(join(path, name));
    if (has("Annotations") && has("Sentences")) return "flickr30k";
    if (has("Annotations")) return "voc";
    if (has("labels") || has("data.yaml") || has("classes.txt")) return "yolo";
    if (firstExisting(path, cocoNames)) return "coco";
    if (namesIn(path, (name) => name.endsWith(".tar")).length) return "tars";
  }
  throw new InputError(
    `${path} looks like none of ${formats.join(", ")}; say --as FORMAT, or name the annotation file itself`,
  );
}

/** Reads a file or folder; what is wrong goes to `problems`. `subset` is the list of images of flickr30k. */
export async function readFormat(
  path: string,
  format: Format,
  { problems, subset = "train" }: { problems: Problems; subset?: string },
): Promise<Dataset> {
  switch (format) {
    case "coco":
      return readCoco(annotationFile(path), problems);
    case "mdetr":
      return readMdetr(path, problems);
    case "odvg":
      return readOdvg(path, problems);
    case "yolo":
      return readYolo(path, problems);
    case "voc":
      return readVoc(path, problems);
    case "flickr30k":
      return datasetOfFlickr30k(path, subset, problems);
    case "tars":
      return readTars(path, problems);
  }
}

/** The annotation file of a COCO folder, or the file itself. */
export function annotationFile(path: string): string {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  const file = firstExisting(path, cocoNames);
  if (file) return file;
  throw new InputError(`${path} holds none of ${cocoNames.join(", ")}; name the annotation file itself`);
}

/** Writes annotations: a file for coco, mdetr and odvg, a folder for yolo and voc. Pictures are not copied. */
export function writeFormat(dataset: Dataset, format: WritableFormat, path: string): void {
  for (const [file, text] of filesOf(dataset, format)) writeWholeNow(file === "" ? path : join(path, file), text);
}

/** Texts by path under the folder; one without a path is the file itself. */
function filesOf(dataset: Dataset, format: WritableFormat): Map<string, string> {
  switch (format) {
    case "coco":
      return new Map([["", `${JSON.stringify(cocoOfDataset(dataset))}\n`]]);
    case "mdetr":
      return new Map([["", `${JSON.stringify(mdetrOfDataset(dataset))}\n`]]);
    case "odvg":
      return new Map([["", odvgOfDataset(dataset)]]);
    case "yolo":
      return yoloOfDataset(dataset);
    case "voc":
      return vocOfDataset(dataset);
  }
}
