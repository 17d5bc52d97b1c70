/** ODVG (object detection and visual grounding): one record per line, with labelled boxes or with a caption and its regions. */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isRegularFile } from "../../files/read-file.ts";
import { checkBox } from "./box-checks.ts";
import { type Dataset, type DatasetImage, type DatasetLabel, type Xyxy, xywhOfXyxy, xyxyOfXywh } from "./dataset.ts";
import { namesIn } from "./folders.ts";
import type { FoundSet } from "./format-row.ts";
import { readJsonLines } from "./json.ts";
import type { Place, Problems } from "./problems.ts";
import { splitOfName } from "./splits.ts";
import { isNumber, isNumbers, isRecord, isSpans } from "./values.ts";

/** A `.jsonl` file, or the files of a folder whose first line is a record of this format. */
export function findOdvg(path: string): FoundSet[] {
  const setOf = (file: string): FoundSet => {
    const folder = dirname(file);
    return { path: file, split: splitOfName(basename(file, ".jsonl")), pictures: [join(folder, "images"), folder] };
  };
  if (statSync(path).isFile()) return path.endsWith(".jsonl") ? [setOf(path)] : [];
  const files = namesIn(path, (name) => name.endsWith(".jsonl")).map((name) => join(path, name));
  return files.filter((file) => isRegularFile(file) && /"(detection|grounding)"\s*:/.test(firstLine(file))).map(setOf);
}

const longestLine = 1 << 20;

/** The first line of a file, or its start if it is very long. */
function firstLine(file: string): string {
  const handle = openSync(file, "r");
  try {
    const bytes = Buffer.alloc(longestLine);
    return bytes.toString("utf8", 0, readSync(handle, bytes)).split("\n", 1)[0]!;
  } finally {
    closeSync(handle);
  }
}

/** Reads a file; errors are added to `problems`. Images are numbered by line. */
export async function readOdvg(file: string, problems: Problems): Promise<Dataset> {
  const labels = new Map<number, string>();
  const images: DatasetImage[] = [];
  for await (const { line, record } of readJsonLines(file, (error) => problems.caught(error, file))) {
    const place = { file, line };
    if (
      !isRecord(record) ||
      typeof record.filename !== "string" ||
      !isNumber(record.height) ||
      !isNumber(record.width)
    ) {
      problems.error(place, "a record needs filename, height and width");
      continue;
    }
    const { filename, width, height } = record;
    const image: DatasetImage = { id: line, file: filename, width, height, objects: [], captions: [] };
    images.push(image);
    if (isRecord(record.detection)) readDetection(record.detection, image, { labels, problems, place });
    if (isRecord(record.grounding)) readGrounding(record.grounding, image, { problems, place });
    if (!isRecord(record.detection) && !isRecord(record.grounding))
      problems.error(place, "has neither detection nor grounding");
  }
  const list: DatasetLabel[] = [...labels].map(([id, name]) => ({ id, name })).sort((a, b) => a.id - b.id);
  return { labels: list, images };
}

interface Context {
  problems: Problems;
  place: Place;
}

function readDetection(
  detection: Record<string, unknown>,
  image: DatasetImage,
  { labels, problems, place }: Context & { labels: Map<number, string> },
): void {
  const { instances } = detection;
  if (!Array.isArray(instances)) problems.error(place, "detection.instances must be a list");
  for (const [index, instance] of (Array.isArray(instances) ? instances : []).entries()) {
    const what = `detection.instances[${index}]`;
    if (!isInstance(instance)) {
      problems.error(place, `${what} needs bbox (left, top, right, bottom), label (a number) and category (its name)`);
      continue;
    }
    const { bbox, label, category } = instance;
    const known = labels.get(label);
    if (known !== undefined && known !== category) {
      problems.error(
        place,
        `${what}: label ${label} is ${JSON.stringify(category)} here and ${JSON.stringify(known)} before`,
      );
    }
    labels.set(label, category);
    addObject(image, bbox, { problems, place });
    image.objects.at(-1)!.label = label;
  }
}

function isInstance(value: unknown): value is { bbox: Xyxy; label: number; category: string } {
  return isRecord(value) && isBox(value.bbox) && isNumber(value.label) && typeof value.category === "string";
}

function readGrounding(grounding: Record<string, unknown>, image: DatasetImage, { problems, place }: Context): void {
  const { caption, regions } = grounding;
  if (typeof caption !== "string" || !Array.isArray(regions)) {
    problems.error(place, "grounding needs a caption and a list of regions");
    return;
  }
  const phrases = regions.flatMap((region: unknown, index) => {
    const what = `grounding.regions[${index}]`;
    if (!isRecord(region) || typeof region.phrase !== "string") {
      problems.error(place, `${what} needs a phrase`);
      return [];
    }
    const boxes = isBox(region.bbox) ? [region.bbox] : region.bbox;
    if (!Array.isArray(boxes) || !boxes.every(isBox)) {
      problems.error(place, `${what}.bbox must be left, top, right, bottom, or a list of these`);
      return [];
    }
    const spans = region.tokens_positive ?? spansOf(region.phrase, caption);
    if (!isSpans(spans, caption) || spans.length === 0) {
      problems.error(
        place,
        `${what}: ${JSON.stringify(region.phrase)} is not in the caption ${JSON.stringify(caption)}`,
      );
      return [];
    }
    const scores = isNumber(region.score) ? [region.score] : region.score;
    if (scores !== undefined && !(isNumbers(scores) && scores.length === boxes.length)) {
      problems.error(place, `${what}.score must be a number for each box`);
      return [];
    }
    const objects = boxes.map((box, k) => {
      const object = addObject(image, box, { problems, place });
      if (scores) image.objects[object]!.score = scores[k]!;
      return object;
    });
    return [{ spans, objects }];
  });
  image.captions.push({ text: caption, phrases });
}

function addObject(image: DatasetImage, bbox: Xyxy, context: Context): number {
  const xywh = xywhOfXyxy(bbox);
  checkBox(xywh, image, context);
  return image.objects.push({ xywh, area: xywh[2] * xywh[3], isCrowd: false }) - 1;
}

/** Position of the first occurrence of a phrase in a caption. */
function spansOf(phrase: string, caption: string): [number, number][] {
  const start = caption.toLowerCase().indexOf(phrase.toLowerCase());
  return start < 0 || phrase === "" ? [] : [[start, start + phrase.length]];
}

function isBox(value: unknown): value is Xyxy {
  return isNumbers(value) && value.length === 4;
}

/**
 * Converts a dataset to ODVG lines: labelled objects as detection, captions as grounding. A picture is repeated for each further caption.
 */
export function odvgOfDataset(dataset: Dataset): string {
  const names = new Map(dataset.labels.map(({ id, name }) => [id, name]));
  const lines: object[] = [];
  for (const image of dataset.images) {
    const head = { filename: image.file, height: image.height, width: image.width };
    const box = (place: number) => xyxyOfXywh(image.objects[place]!.xywh);
    const instances = image.objects.flatMap(({ label }, place) =>
      label === undefined ? [] : [{ bbox: box(place), label, category: names.get(label)! }],
    );
    if (instances.length || image.captions.length === 0) lines.push({ ...head, detection: { instances } });
    for (const { text, phrases } of image.captions) {
      const regions = phrases.map(({ spans, objects }) => {
        const scores = objects.flatMap((object) => image.objects[object]!.score ?? []);
        return {
          bbox: objects.length === 1 ? box(objects[0]!) : objects.map(box),
          phrase: spans.map(([start, end]) => text.slice(start, end)).join(" "),
          tokens_positive: spans,
          ...(scores.length > 0 ? { score: scores } : {}),
        };
      });
      lines.push({ ...head, grounding: { caption: text, regions } });
    }
  }
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}
