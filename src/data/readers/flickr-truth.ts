/** What a phrase grounding evaluation compares: boxes to be found by phrase, and boxes that were predicted. */
import { InputError } from "../../errors.ts";
import { isJsonLines } from "./coco-files.ts";
import type { FlickrImage } from "./flickr30k.ts";
import { readJson, readJsonLines } from "./json.ts";

/** What has to be found: per image the boxes of each phrase id, and the phrases of each sentence. */
export interface FlickrTruth {
  id: string;
  /** xyxy boxes in picture pixels by phrase id. */
  boxes: Record<string, number[][]>;
  /** Phrases of each sentence; those whose id has no box are left out of the count. */
  sentences: { phrase_id: string; phrase_type: string[] }[][];
}

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

/** From the published files. */
export function truthOfEntities(images: readonly FlickrImage[]): FlickrTruth[] {
  return images.map(({ id, annotations, sentences }) => ({
    id,
    boxes: annotations.boxes,
    sentences: sentences.map((sentence) => sentence.phrases),
  }));
}

interface MdetrFile {
  images: { id: number; original_img_id: number | string; sentence_id: number; tokens_positive_eval: number[][][] }[];
  annotations: { image_id: number; bbox: number[]; tokens_positive: number[][] }[];
}

/**
 * From MDETR's JSON, where each "image" is a sentence: a phrase of `tokens_positive_eval` has the boxes of the annotations whose
 * `tokens_positive` hold all of its spans. This form does not tell types of phrases. @throws InputError for another form.
 */
export function readMdetrTruth(file: string): FlickrTruth[] {
  const json = readJson(file) as Partial<MdetrFile> | null;
  if (!Array.isArray(json?.images) || !Array.isArray(json.annotations) || !json.images[0]?.tokens_positive_eval) {
    throw new InputError(`${file}: MDETR's Flickr30k files have images with tokens_positive_eval, and annotations`);
  }
  const annotations = new Map<number, MdetrFile["annotations"]>();
  for (const annotation of json.annotations) {
    const own = annotations.get(annotation.image_id);
    if (own) own.push(annotation);
    else annotations.set(annotation.image_id, [annotation]);
  }
  const truth = new Map<string, FlickrTruth>();
  for (const { id, original_img_id, sentence_id, tokens_positive_eval } of json.images) {
    const image = truth.get(String(original_img_id)) ?? { id: String(original_img_id), boxes: {}, sentences: [] };
    truth.set(image.id, image);
    if (!Number.isInteger(sentence_id) || sentence_id < 0 || sentence_id > 999) {
      throw new InputError(`${file}: image ${id} has sentence_id ${sentence_id}; sentences are numbered from 0`);
    }
    image.sentences[sentence_id] = tokens_positive_eval.map((spans, phrase) => {
      const phrase_id = `${sentence_id}/${phrase}`;
      const own = (annotations.get(id) ?? []).filter(({ tokens_positive }) =>
        spans.every(([start, end]) => tokens_positive?.some((span) => span[0] === start && span[1] === end)),
      );
      if (own.length) {
        image.boxes[phrase_id] = own.map(({ bbox: [x, y, width, height] }) => [x!, y!, x! + width!, y! + height!]);
      }
      return { phrase_id, phrase_type: [] };
    });
  }
  // Sentences that the file leaves out are holes until here.
  return [...truth.values()].map((image) => ({ ...image, sentences: Array.from(image.sentences, (s) => s ?? []) }));
}

/** Reads predictions, ranked or flat, as a JSON list or one record a line. @throws InputError naming records of another form. */
export async function readFlickrPredictions(file: string): Promise<(FlickrPrediction | FlickrDetections)[]> {
  const records: unknown[] = isJsonLines(file) ? [] : asList(readJson(file), file);
  if (isJsonLines(file)) for await (const { record } of readJsonLines(file)) records.push(record);
  return records.map((record, index) => {
    if (isPrediction(record)) return record;
    throw new InputError(
      `${file} $[${index}]: a prediction is { image_id, sentence_id, boxes: [phrase][rank][x1, y1, x2, y2] } or ` +
        "{ image_id, sentence_id, phrases, detections: [{ label, box, score }] }",
    );
  });
}

function asList(value: unknown, file: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new InputError(`${file}: predictions are a list`);
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
