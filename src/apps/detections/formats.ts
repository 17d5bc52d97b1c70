/** Detections in the formats of other programs. */

import type { Box, Detection, Mask } from "../../tasks/finding/detection.ts";
import { csvLine } from "./csv.ts";
import { labelStudioTask } from "./label-studio.ts";
import { areaOfMask, labelMap, polygonsOfMask, shareOutline } from "./masks.ts";
import type { Findings, PictureResult } from "./picture-result.ts";
import { vocAnnotation } from "./voc.ts";

/** A format with one text for all pictures, written when all are done. */
export interface DocumentFormat {
  readonly kind: "document";
  /** Name of its file in the output folder. */
  readonly file: string;
  readonly text: (findings: Findings) => string;
}

/** A format of lines, written as pictures are done. */
export interface LinesFormat {
  readonly kind: "lines";
  /** Name of its file in the output folder. */
  readonly file: string;
  /** The header, before the lines of all pictures. */
  readonly head: string;
  readonly lines: (picture: PictureResult) => string;
}

/** A format with a file per picture, written when the picture is done, and texts for all pictures. Each has a path in the output folder. */
export interface FolderFormat {
  readonly kind: "folder";
  /** `labels` are the labels so far; later ones are appended. */
  readonly picture: (picture: PictureResult, labels: readonly string[]) => FileOfPicture | Promise<FileOfPicture>;
  readonly rest: (labels: readonly string[]) => readonly (readonly [path: string, text: string])[];
}

type FileOfPicture = readonly [path: string, content: string | Uint8Array];

export type Format = DocumentFormat | LinesFormat | FolderFormat;

/** The formats of detections by their names. */
export const formats: Readonly<Record<string, Format>> = {
  json: { kind: "document", file: "detections.json", text: ({ pictures }) => json(pictures.map(pictureOf)) },
  jsonl: {
    kind: "lines",
    file: "detections.jsonl",
    head: "",
    lines: (picture) => `${JSON.stringify(pictureOf(picture))}\n`,
  },
  coco: {
    kind: "document",
    file: "instances.json",
    text: (findings) => json(cocoOf(findings, (segmentation) => segmentation)),
  },
  "coco-polygons": {
    kind: "document",
    file: "instances.json",
    text: (findings) => json(cocoOf(findings, polygonsOfMask)),
  },
  csv: {
    kind: "lines",
    file: "detections.csv",
    head: csvLine(["image", "label", "score", "xmin", "ymin", "xmax", "ymax"]),
    lines: csvLines,
  },
  labelstudio: { kind: "document", file: "tasks.json", text: ({ pictures }) => json(pictures.map(labelStudioTask)) },
  fiftyone: { kind: "document", file: "labels.json", text: (findings) => json(fiftyOneOf(findings)) },
  yolo: { kind: "folder", picture: yoloLabels, rest: (labels) => [["classes.txt", labels.map(yoloName).join("")]] },
  png: {
    kind: "folder",
    picture: async (picture, labels) => [`masks/${picture.name}.png`, await labelMap(picture, labels)],
    rest: (labels) => [["classes.txt", ["background", ...labels].map(yoloName).join("")]],
  },
  voc: {
    kind: "folder",
    picture: (picture) => [`Annotations/${picture.name}.xml`, vocAnnotation(picture)],
    rest: () => [],
  },
};

/** Formats that identify pictures by their names without extension. */
export const namedWithoutEnding: ReadonlySet<string> = new Set(["yolo", "voc", "fiftyone", "png"]);

/** A document of JSON, for people. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function pictureOf({ image, width, height, caption, detections }: PictureResult) {
  return { image, width, height, ...(caption === undefined ? {} : { caption }), detections: detections.map(entryOf) };
}

/** A detection, with its mask as COCO's `segmentation`. */
export function entryOf({ mask, ...detection }: Detection) {
  return { ...detection, ...(mask ? { segmentation: mask } : {}) };
}

/** Left, top, width, height. */
function xywh({ xmin, ymin, xmax, ymax }: Box): [number, number, number, number] {
  return [xmin, ymin, xmax - xmin, ymax - ymin];
}

/** COCO's instance annotations, each with a score, and with masks in one of COCO's forms. */
function cocoOf({ pictures, labels }: Findings, formOf: (mask: Mask) => Mask | number[][]) {
  const categories = labels.map((name, index) => ({ id: index + 1, name }));
  const numbers = new Map(categories.map(({ id, name }) => [name, id]));
  let id = 0;
  return {
    images: pictures.map(({ image, width, height }, index) => ({ id: index + 1, file_name: image, width, height })),
    annotations: pictures.flatMap(({ detections }, index) =>
      detections.map(({ score, label, box, mask }) => {
        const bbox = xywh(box);
        const area = mask ? areaOfMask(mask) : bbox[2] * bbox[3];
        const thing = { id: ++id, image_id: index + 1, category_id: numbers.get(label), bbox, area, iscrowd: 0, score };
        return { ...thing, ...(mask ? { segmentation: formOf(mask) } : {}) };
      }),
    ),
    categories,
  };
}

function csvLines({ image, detections }: PictureResult): string {
  return detections
    .map(({ score, label, box: { xmin, ymin, xmax, ymax } }) => csvLine([image, label, score, xmin, ymin, xmax, ymax]))
    .join("");
}

/** FiftyOne's image detection dataset: boxes as fractions of the picture, by the picture's name without extension. */
function fiftyOneOf({ pictures, labels }: Findings) {
  const entries = pictures.map(({ name, width, height, detections }) => [
    name,
    detections.map(({ score, label, box }) => {
      const [x, y, w, h] = xywh(box);
      const bounding_box = [x / width, y / height, w / width, h / height];
      return { label: labels.indexOf(label), bounding_box, confidence: score };
    }),
  ]);
  return { classes: labels, labels: Object.fromEntries(entries) };
}

/**
 * A line per box: class, centre, width and height as fractions of the picture; or class and the corners of the mask's outline, as in YOLO's
 * segmentation labels. YOLO labels have no score.
 */
function yoloLabels(
  { name, width, height, detections }: PictureResult,
  labels: readonly string[],
): readonly [string, string] {
  const lines = detections.map(({ label, box, mask }) => {
    const [x, y, w, h] = xywh(box);
    const outline = mask ? shareOutline(mask) : [];
    const shares = outline.length > 0 ? outline : [(x + w / 2) / width, (y + h / 2) / height, w / width, h / height];
    return `${labels.indexOf(label)} ${shares.map((share) => share.toFixed(6)).join(" ")}\n`;
  });
  return [`labels/${name}.txt`, lines.join("")];
}

function yoloName(label: string): string {
  return `${label.replaceAll(/\s+/g, " ")}\n`;
}
