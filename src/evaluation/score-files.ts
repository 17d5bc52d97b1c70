/** Scores files of detections by a protocol; the metrics have the protocol's own names. */
import { join } from "node:path";
import { readCocoAnnotations, readCocoDetections, readLvisAnnotations } from "../data/readers/coco-files.ts";
import type { CocoCategory, CocoDetection, CocoGroundTruth } from "../data/readers/coco-records.ts";
import { type DatasetChoice, findDataset } from "../data/readers/find-dataset.ts";
import {
  type FlickrTruth,
  readFlickrPredictions,
  readMdetrTruth,
  truthOfEntities,
} from "../data/readers/flickr-truth.ts";
import { readFlickr30k } from "../data/readers/flickr30k.ts";
import { firstExisting } from "../data/readers/folders.ts";
import { readGroundTruth } from "../data/readers/ground-truth.ts";
import { readJson } from "../data/readers/json.ts";
import { odinwFolders } from "../data/readers/odinw-folder.ts";
import { odinw13, odinw35 } from "../data/readers/odinw-sets.ts";
import { InputError } from "../errors.ts";
import { type CocoEvaluation, type CocoOptions, cocoSlices, evaluateCoco, summarizeCoco } from "../metrics/coco.ts";
import { evaluateFlickr30k, type FlickrBoxes, groupByPhrase, summarizeFlickr30k } from "../metrics/flickr30k.ts";
import {
  evaluateLvis,
  evaluateLvisFixed,
  type LvisEvaluation,
  lvisSlices,
  summarizeLvis,
  summarizeLvisCategory,
} from "../metrics/lvis.ts";
import { evaluateOdinw, type OdinwEvaluation, summarizeOdinw } from "../metrics/odinw.ts";
import {
  detectionsOfRegions,
  openVocabularyOf,
  openVocabularySlices,
  type ScoredRegions,
} from "../metrics/open-vocabulary.ts";
import type { Phrases } from "../metrics/phrase-mistakes.ts";
import type { RegionType } from "../metrics/regions.ts";
import { type Slices, summarize } from "../metrics/summary.ts";

export const protocols = ["coco", "lvis", "lvis-fixed", "flickr30k", "odinw", "ovd"] as const;
export type Protocol = (typeof protocols)[number];

export interface EvalRequest extends DatasetChoice {
  /** A dataset with boxes of classes; for lvis its annotations; for flickr30k the published folder or MDETR's JSON; for odinw a folder of datasets. */
  groundTruth: string;
  detections: string;
  protocol: Protocol;
  type: RegionType;
  /** For flickr30k: the list of images, and the target of a phrase with several boxes. */
  subset: string;
  boxes: FlickrBoxes;
}

/** The metrics of a run, the metrics of each class or dataset, and the data behind them. */
export interface Scored {
  metrics: Record<string, number>;
  rows: { name: string; metrics: Record<string, number> }[];
  /** For protocols that compare regions class by class. */
  regions?: {
    evaluation: CocoEvaluation;
    groundTruth: CocoGroundTruth;
    detections: readonly CocoDetection[];
    type: RegionType;
    /** The parts over which the metrics are averaged. */
    slices: Slices;
  };
  /** For odinw: the evaluation of each dataset. */
  sets?: OdinwEvaluation["sets"];
  /** For flickr30k. */
  phrases?: Phrases;
}

/** Reads the files of a request and scores them. @throws InputError that names the file that does not fit the protocol. */
export async function scoreFiles(request: EvalRequest): Promise<Scored> {
  const { groundTruth: truthFile, detections: detectionFile, protocol, type } = request;
  if (protocol === "flickr30k") return scoreFlickr30k(request);
  if (protocol === "odinw") return scoreOdinw(request);
  if (protocol === "ovd") {
    const { truth: groundTruth } = await readGroundTruth(truthFile, request);
    return scoreOpenVocabulary(groundTruth, await readOpenVocabulary(detectionFile, groundTruth), type);
  }
  if (protocol === "coco") {
    const { truth } = await readGroundTruth(truthFile, request);
    return scoreCoco(truth, await readCocoDetections(detectionFile), { type });
  }
  const groundTruth = readLvisAnnotations(findDataset(truthFile, { ...request, as: "coco" }).path);
  const detections = await readCocoDetections(detectionFile);
  const evaluate = protocol === "lvis" ? evaluateLvis : evaluateLvisFixed;
  const evaluation = evaluate(groundTruth, detections, { type });
  return {
    metrics: summarizeLvis(evaluation),
    rows: classRows(evaluation, groundTruth.categories, (place) => summarizeLvisCategory(evaluation, place)),
    regions: { evaluation, groundTruth, detections, type, slices: lvisSlices(evaluation) },
  };
}

function scoreCoco(groundTruth: CocoGroundTruth, detections: readonly CocoDetection[], options: CocoOptions): Scored {
  const evaluation = evaluateCoco(groundTruth, detections, options);
  return {
    metrics: summarizeCoco(evaluation),
    rows: classRows(evaluation, groundTruth.categories, (place) => summarizeCoco(evaluation, [place])),
    regions: {
      evaluation,
      groundTruth,
      detections,
      type: options.type ?? "bbox",
      slices: cocoSlices(evaluation.maxDets),
    },
  };
}

function scoreOpenVocabulary(groundTruth: CocoGroundTruth, detections: CocoDetection[], type: RegionType): Scored {
  const split = openVocabularyOf(groundTruth, detections);
  const scored = scoreCoco(split.groundTruth, split.detections, { type });
  const regions = scored.regions!;
  const slices = openVocabularySlices(regions.evaluation, split.groundTruth.categories);
  return {
    ...scored,
    metrics: { ...summarize(regions.evaluation, slices), ...scored.metrics },
    regions: { ...regions, slices: { ...slices, ...regions.slices } },
  };
}

/** Detections, or scores of given boxes (records with `boxes` and `scores`), which are converted to detections. */
async function readOpenVocabulary(file: string, groundTruth: CocoGroundTruth): Promise<CocoDetection[]> {
  const isRegions = (record: unknown): record is ScoredRegions =>
    typeof record === "object" && record !== null && "boxes" in record && "scores" in record && "image_id" in record;
  if (/\.json$/i.test(file)) {
    const list = readJson(file);
    if (Array.isArray(list) && list.length > 0 && list.every(isRegions)) {
      return detectionsOfRegions(openVocabularyOf(groundTruth, []).groundTruth, list);
    }
  }
  return readCocoDetections(file);
}

async function scoreOdinw({ groundTruth, detections, type }: EvalRequest): Promise<Scored> {
  const sets = [];
  for (const set of odinwFiles(groundTruth, detections)) {
    sets.push({
      name: set.name,
      groundTruth: readCocoAnnotations(set.groundTruth),
      detections: set.detections ? await readCocoDetections(set.detections) : [],
    });
  }
  const evaluation = evaluateOdinw(sets, { type });
  const metrics: Record<string, number> = {
    AP: evaluation.mean.AP,
    AP50: evaluation.mean.AP50,
    "AP median": evaluation.median.AP,
    "AP50 median": evaluation.median.AP50,
  };
  for (const list of [odinw13, odinw35]) {
    const among = evaluation.sets.filter((set) => list.some(({ name }) => name === set.name));
    if (among.length < list.length || among.length === sets.length) continue;
    const { mean, median } = summarizeOdinw(among);
    Object.assign(metrics, { [`AP of ${list.length}`]: mean.AP, [`AP median of ${list.length}`]: median.AP });
  }
  for (const { name, summary } of evaluation.sets) metrics[`AP ${name}`] = summary.AP;
  const rows = evaluation.sets.map(({ name, summary }) => ({ name, metrics: summary }));
  return { metrics, rows, sets: evaluation.sets };
}

/** Each dataset with its detections, `SET/detections.json`, `SET.json` or `SET.jsonl`. */
function odinwFiles(truthFolder: string, detectionFolder: string) {
  const found = odinwFolders(truthFolder).map((set) => ({
    ...set,
    detections: firstExisting(detectionFolder, [
      join(set.name, "detections.json"),
      `${set.name}.json`,
      `${set.name}.jsonl`,
    ]),
  }));
  const silent = found.filter(({ detections }) => !detections).map(({ name }) => name);
  if (silent.length === 0) return found;
  throw new InputError(
    `${detectionFolder} has neither SET/detections.json nor SET.json for ${silent.join(", ")}; ` +
      "if a set was evaluated and nothing was found, write a file with []",
  );
}

async function scoreFlickr30k({ groundTruth, detections, subset, boxes }: EvalRequest): Promise<Scored> {
  const truth: FlickrTruth[] = groundTruth.endsWith(".json")
    ? readMdetrTruth(groundTruth)
    : truthOfEntities(await readFlickr30k(groundTruth, subset));
  const predictions = await readFlickrPredictions(detections);
  const ranked = predictions.map((record) => ("boxes" in record ? record : groupByPhrase([record])[0]!));
  const evaluation = evaluateFlickr30k(truth, ranked, boxes);
  const types = Object.keys(evaluation.counts).sort();
  return {
    metrics: summarizeFlickr30k(evaluation),
    rows: types.map((name) => ({
      name,
      metrics: {
        ...Object.fromEntries(["1", "5", "10"].map((k) => [`R@${k}`, evaluation.recall[k]![name]!])),
        phrases: evaluation.counts[name]!.phrases,
      },
    })),
    phrases: { truth, predictions: ranked, evaluation, boxes },
  };
}

function classRows(
  evaluation: CocoEvaluation | LvisEvaluation,
  categories: readonly CocoCategory[],
  summarize: (place: number) => Record<string, number>,
): Scored["rows"] {
  const names = new Map(categories.map(({ id, name }) => [id, name]));
  return evaluation.catIds.map((id, place) => ({ name: names.get(id)!, metrics: summarize(place) }));
}
