/** Ground truth and predictions of a phrase grounding evaluation. */
import { InputError } from "../../errors.ts";
import { isJsonLines } from "./coco-files.ts";
import { xyxyOfXywh } from "./dataset.ts";
import type { FlickrImage } from "./flickr30k.ts";
import { readJson, readJsonLines } from "./json.ts";
import { readMdetrPhrases } from "./mdetr-phrases.ts";
import { Problems } from "./problems.ts";

/** The ground truth: for each image, the boxes of each phrase id and the phrases of each sentence. */
export interface FlickrTruth {
  id: string;
  /** Name of the picture, and its size in pixels. */
  file: string;
  width: number;
  height: number;
  /** xyxy boxes in picture pixels by phrase id. */
  boxes: Record<string, number[][]>;
  /** Phrases of each sentence; phrases whose id has no box are not counted. */
  sentences: { phrase: string; phrase_id: string; phrase_type: string[] }[][];
}

/** A model's boxes for the phrases of a sentence. */
export interface FlickrPrediction {
  image_id: string | number;
  sentence_id: number;
  /** [phrase][rank] xyxy boxes, best first, for the phrases that have boxes. */
  boxes: number[][][];
}

/** Detections of one sentence before grouping: `label` is the phrase, from 1. */
export interface FlickrDetections {
  image_id: string | number;
  sentence_id: number;
  phrases: number;
  detections: { label: number; box: number[]; score: number }[];
}

/** Reads the published files. */
export function truthOfEntities(images: readonly FlickrImage[]): FlickrTruth[] {
  return images.map(({ id, annotations, sentences }) => ({
    id,
    file: `${id}.jpg`,
    width: annotations.width,
    height: annotations.height,
    boxes: annotations.boxes,
    sentences: sentences.map((sentence) => sentence.phrases),
  }));
}

/**
 * Reads MDETR's JSON, which has no types of phrases.
 * @throws InputError that lists the errors in the file.
 */
export function readMdetrTruth(file: string): FlickrTruth[] {
  const problems = new Problems();
  const { images } = readMdetrPhrases(file, problems);
  problems.refuseErrors(file);
  return images.map(({ id, file, width, height, objects, captions }) => {
    const boxes: FlickrTruth["boxes"] = {};
    const sentences = captions.map(({ text, phrases }, sentence) =>
      phrases.map((phrase, place) => {
        const phrase_id = `${sentence}/${place}`;
        boxes[phrase_id] = phrase.objects.map((object) => xyxyOfXywh(objects[object]!.xywh));
        const words = phrase.spans.map(([start, end]) => text.slice(start, end)).join(" ");
        return { phrase: words, phrase_id, phrase_type: [] };
      }),
    );
    return { id: String(id), file, width, height, boxes, sentences };
  });
}

/**
 * Reads predictions, ranked or flat, as a JSON list or one record per line.
 * @throws InputError that names a malformed record.
 */
export async function readFlickrPredictions(file: string): Promise<(FlickrPrediction | FlickrDetections)[]> {
  const records: unknown[] = isJsonLines(file) ? [] : asList(readJson(file), file);
  if (isJsonLines(file)) for await (const { record } of readJsonLines(file)) records.push(record);
  return records.map((record, index) => {
    if (isPrediction(record)) return record;
    throw new InputError(
      `${file} $[${index}]: is not a prediction; write { image_id, sentence_id, boxes: [phrase][rank][x1, y1, x2, y2] } or ` +
        "{ image_id, sentence_id, phrases, detections: [{ label, box, score }] }",
    );
  });
}

function asList(value: unknown, file: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new InputError(`${file}: is not a list of predictions; write a JSON list`);
}

function isPrediction(record: unknown): record is FlickrPrediction | FlickrDetections {
  if (typeof record !== "object" || record === null || !("image_id" in record) || !("sentence_id" in record))
    return false;
  if ("boxes" in record) return isBoxes(record.boxes);
  return (
    "phrases" in record && Number.isInteger(record.phrases) && "detections" in record && isLabelled(record.detections)
  );
}

function isBoxes(value: unknown): boolean {
  return Array.isArray(value) && value.every((ranked) => Array.isArray(ranked) && ranked.every(isBox));
}

function isLabelled(value: unknown): boolean {
  return (
    Array.isArray(value) && value.every((d) => isBox(d?.box) && Number.isFinite(d.score) && Number.isInteger(d.label))
  );
}

function isBox(value: unknown): boolean {
  return Array.isArray(value) && value.length === 4 && value.every((side) => Number.isFinite(side));
}
