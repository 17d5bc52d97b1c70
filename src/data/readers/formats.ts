/** The table of dataset formats: how to recognise, read, check and write each. To add one, add a file and a row. */
import { cocoOfDataset, readCoco } from "./coco.ts";
import { readCocoCaptions } from "./coco-captions.ts";
import { jsonSets } from "./coco-layouts.ts";
import { type Dataset, type ImageRange, isInRange } from "./dataset.ts";
import { datasetOfFlickr30k, findFlickr30k } from "./flickr30k.ts";
import { type Format, formats } from "./format-names.ts";
import type { FormatRow, WrittenFiles, WrittenPart } from "./format-row.ts";
import { mdetrOfDataset, readMdetr } from "./mdetr.ts";
import { findOdvg, odvgOfDataset, readOdvg } from "./odvg.ts";
import { findTars, readTars } from "./tars.ts";
import { findVoc, readVoc } from "./voc.ts";
import { vocOfParts } from "./write-voc.ts";
import { yoloOfParts } from "./write-yolo.ts";
import { readYolo } from "./yolo.ts";
import { findYolo } from "./yolo-layout.ts";

const rows = {
  coco: {
    holds: "classes",
    opensPictures: true,
    find: (path) => jsonSets(path, "coco"),
    read: ({ path }, { problems, shown }) => readCoco(path, problems, shown),
    stores: ["mask", "crowd"],
    write: (parts) => oneFile(parts, (dataset) => `${JSON.stringify(cocoOfDataset(dataset))}\n`),
  },
  captions: {
    holds: "captions",
    opensPictures: true,
    find: (path) => jsonSets(path, "captions"),
    read: ({ path }, { problems, shown }) => cut(readCocoCaptions(path, problems), shown),
  },
  mdetr: {
    holds: "captions",
    opensPictures: true,
    find: (path) => jsonSets(path, "mdetr"),
    read: ({ path }, { problems, shown }) => cut(readMdetr(path, problems), shown),
    stores: ["crowd"],
    write: (parts) => oneFile(parts, (dataset) => `${JSON.stringify(mdetrOfDataset(dataset))}\n`),
  },
  odvg: {
    holds: "both",
    opensPictures: true,
    find: findOdvg,
    read: async ({ path }, { problems, shown }) => cut(await readOdvg(path, problems), shown),
    write: (parts) => oneFile(parts, odvgOfDataset),
  },
  yolo: { holds: "classes", opensPictures: true, find: findYolo, read: readYolo, write: yoloOfParts },
  voc: { holds: "classes", opensPictures: true, find: findVoc, read: readVoc, stores: ["crowd"], write: vocOfParts },
  flickr30k: {
    holds: "captions",
    opensPictures: true,
    find: findFlickr30k,
    read: async ({ path }, { problems, subset = "train", shown }) =>
      cut(await datasetOfFlickr30k(path, subset, problems), shown),
  },
  tars: {
    holds: "captions",
    opensPictures: false,
    find: findTars,
    read: async ({ path }, { problems, shown }) => cut(await readTars(path, problems), shown),
  },
} satisfies Record<Format, FormatRow>;

/** How each format is recognised, read, checked and written. */
export const formatRows: Readonly<Record<Format, FormatRow>> = rows;

/** Formats that can be written. */
export type WritableFormat = {
  [Name in Format]: (typeof rows)[Name] extends { write: unknown } ? Name : never;
}[Format];
/** The names of the formats that can be written. */
export const writableFormats = formats.filter((format): format is WritableFormat => "write" in rows[format]);

/** Selects the range of images for a format that is read completely. */
function cut({ labels, images }: Dataset, shown: ImageRange | undefined): Dataset {
  return { labels, images: shown ? images.filter((_, place) => isInRange(place, shown)) : images };
}

function oneFile(parts: readonly WrittenPart[], textOf: (dataset: WrittenPart["dataset"]) => string): WrittenFiles {
  return { texts: new Map([["", textOf(parts[0]!.dataset)]]) };
}
