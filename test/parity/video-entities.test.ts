import assert from "node:assert/strict";
import { test } from "node:test";
import {
  accuracyOverClasses,
  type EntitySegment,
  groundingScores,
  type Hits,
  localisationHits,
} from "../../src/metrics/video/entities.ts";
import { type SecondsOfObject, youCook2Accuracy } from "../../src/metrics/video/youcook2.ts";
import type { Xyxy } from "../../src/tracking/overlap.ts";
import { near, needsVideo, readVideoJson } from "./golden-video.ts";

const skip = needsVideo;

interface Annotation {
  process_bnd_box?: Xyxy[];
  frame_ind?: number[];
  process_idx?: number[][];
  process_clss?: string[][];
  tokens: string[];
}
interface Found {
  clss?: string[];
  idx_in_sent: number[];
  bbox_for_all_frames: Xyxy[][];
}
type Predictions = Record<string, Record<string, Found>>;
interface Expected {
  [field: string]: number | Record<string, number[]>;
}
interface Entities {
  input: {
    reference: Record<string, { segments: Record<string, Annotation> }>;
    onGroundTruthSentences: Predictions;
    onGeneratedSentences: Predictions;
    lemmas: Record<string, string>;
  };
  expected: { localisationAccuracy: number; generated: Record<"all" | "loc", Expected> };
}

/** A row for each class that an annotated box names. */
function truthOf({
  process_bnd_box = [],
  frame_ind = [],
  process_idx = [],
  process_clss = [],
  tokens,
}: Annotation): EntitySegment {
  const words = process_bnd_box.flatMap((box, k) =>
    process_idx[k]!.map((word, j) => ({ word, label: process_clss[k]![j]!, frame: frame_ind[k]!, box })),
  );
  return { words, tokens };
}

/** Segments of the reference with their prediction, if they have one. */
function segments({ reference }: Entities["input"], predictions: Predictions) {
  return Object.entries(reference).flatMap(([video, own]) =>
    Object.entries(own.segments).map(([segment, annotation]) => {
      const found = predictions[video]?.[segment];
      const prediction = found?.idx_in_sent.map((word, k) => ({
        word,
        label: found.clss?.[k] ?? "",
        boxes: found.bbox_for_all_frames[k]!,
      }));
      return { truth: truthOf(annotation), prediction };
    }),
  );
}

const inOrder = (hits: readonly (boolean | number)[]) => hits.map(Number).sort();

test("words of true sentences are located as ActivityNet-Entities counts them", { skip }, () => {
  const { input, expected } = readVideoJson<Entities>("temporal", "activitynet-entities.json");
  const all = segments(input, input.onGroundTruthSentences).map(({ truth, prediction = [] }) => ({
    truth,
    prediction,
  }));
  near(accuracyOverClasses(localisationHits(all)), expected.localisationAccuracy, 1e-9);
});

test("words of generated sentences are grounded as ActivityNet-Entities counts them", { skip }, () => {
  const { input, expected } = readVideoJson<Entities>("temporal", "activitynet-entities.json");
  const all = segments(input, input.onGeneratedSentences);
  for (const mode of ["all", "loc"] as const) {
    const own = groundingScores(all, mode, (token) => input.lemmas[token] ?? token);
    for (const field of ["hitsOfPrecision", "hitsOfRecall"] as const) {
      const lists = (hits: Iterable<[string, readonly (boolean | number)[]]>) =>
        Object.fromEntries([...hits].map(([label, values]) => [label, inOrder(values)]));
      assert.deepEqual(
        lists(own[field] as Hits),
        lists(Object.entries(expected.generated[mode][field] as Record<string, number[]>)),
        `${mode} ${field}`,
      );
    }
    for (const field of ["precision", "recall", "f1"] as const)
      for (const of of ["PerClass", "PerSentence"] as const)
        near(own[`${field}${of}`], expected.generated[mode][`${field}${of}`] as number, 1e-9, `${mode} ${field}${of}`);
  }
});

test("objects are located as YouCook2-BB counts them", { skip }, () => {
  interface Box {
    xtl: number;
    ytl: number;
    xbr: number;
    ybr: number;
    outside: number;
    occluded: number;
  }
  type Videos = Record<string, { segments: Record<string, { objects?: { label: string; boxes: Box[] }[] }> }>;
  interface YouCook2 {
    input: { classes: string[][]; reference: Videos; predictions: Videos };
    expected: { accuracy: number };
  }
  const { input, expected } = readVideoJson<YouCook2>("temporal", "youcook2-bb.json");
  const objects = (of: { objects?: { label: string; boxes: Box[] }[] } | undefined): SecondsOfObject[] =>
    (of?.objects ?? []).map(({ label, boxes }) => ({
      label,
      boxes: boxes.map(({ xtl, ytl, xbr, ybr, outside, occluded }): Xyxy | undefined =>
        outside || occluded ? undefined : [xtl, ytl, xbr, ybr],
      ),
    }));
  const all = Object.entries(input.reference).flatMap(([video, own]) =>
    input.predictions[video]
      ? Object.entries(own.segments).map(([segment, truth]) => ({
          truth: objects(truth),
          prediction: objects(input.predictions[video]!.segments[segment]),
        }))
      : [],
  );
  const classOf = (label: string) => input.classes.find((names) => names.includes(label))![0]!;
  near(youCook2Accuracy(all, classOf), expected.accuracy, 1e-9);
});
