/** Cases of another implementation, and how the program's outputs are compared with them. */

import type { Detection } from "../../src/tasks/finding/detection.ts";
import { openWeights } from "../../src/weights/open-weights.ts";
import { type Golden, MOST } from "./golden.ts";

/** The fields of a case, named as in its file. */
export interface CaseMeta {
  preset: string;
  seed: number;
  caption: string;
  entities: string[];
  spans: [number, number][];
  original_size_wh: [number, number];
  resized_hw: [number, number];
  padded_hw: [number, number];
  real_tokens: number;
  short: number;
}

export interface Compared {
  count: number;
  /** Maximum difference, in units of the other implementation's rounding error. */
  worst: number;
  wrong: string[];
}

/** The program's arguments for a case: a prompt if the caption is only its names, otherwise a caption with phrases. */
export function questionOf({ caption, entities }: CaseMeta): { inspect: string[]; find: [string, ...string[]] } {
  if (caption.replace(/\.$/, "") === entities.join(". "))
    return { inspect: ["--prompt", caption], find: ["detect", "--prompt", caption] };
  const words = ["--caption", caption, ...entities.flatMap((phrase) => ["--phrase", phrase])];
  return { inspect: words, find: ["ground", ...words] };
}

/** Compares every stored array, also `post.`, with the file that `inspect` wrote. */
export async function compareIntermediates(golden: Golden<CaseMeta>, path: string): Promise<Compared> {
  const ours = await openWeights(path);
  const compared: Compared = { count: 0, worst: 0, wrong: [] };
  try {
    for (const name of golden.names.filter((key) => !/^post\.|_torchvision_nms/.test(key))) {
      const found = ours.entries.get(name);
      if (!found) {
        compared.wrong.push(`${name} is missing`);
        continue;
      }
      const { shape, stride = 1 } = golden.entry(name);
      const whole = cutTo(await ours.readFloat32(name), found.shape, shape);
      const expected = await golden.floats(name);
      add(compared, name, (i) => whole[i * stride]!, expected, noiseOf(golden, name, expected));
    }
    for (const part of ["post.pre_nms", "post.final"]) {
      const read = (key: string) => ours.readFloat32(`${part}.${key}`);
      const [boxes, scores, labels] = [await read("boxes"), await read("scores"), await read("labels")];
      await addDetections(compared, golden, part, { boxes, scores, labels });
    }
  } finally {
    await ours.close();
  }
  return compared;
}

/** Compares detections, best first and in pixels of the original picture, with the stored ones. */
export async function compareDetections(golden: Golden<CaseMeta>, found: readonly Detection[]): Promise<Compared> {
  const { original_size_wh: original, resized_hw: resized, entities } = golden.meta;
  const names = entities.map((name) => name.trim());
  const boxes = Float32Array.from(
    found.flatMap(({ box: { xmin, ymin, xmax, ymax } }) =>
      [xmin, ymin, xmax, ymax].map((side, k) => (side * resized[1 - (k % 2)]!) / original[k % 2]!),
    ),
  );
  const compared: Compared = { count: 0, worst: 0, wrong: [] };
  const scores = Float32Array.from(found, ({ score }) => score);
  const labels = Float32Array.from(found, ({ label }) => names.indexOf(label) + 1);
  await addDetections(compared, golden, "post.final", { boxes, scores, labels }, "best first");
  return { ...compared, count: found.length };
}

interface Found {
  boxes: Float32Array;
  scores: Float32Array;
  labels: Float32Array;
}

/**
 * Each detection has its own match in the case. Scores have the same order, best first; only detections that rounding cannot distinguish
 * may change places.
 */
async function addDetections(
  compared: Compared,
  golden: Golden<CaseMeta>,
  part: string,
  ours: Found,
  order: "best first" | "any" = "any",
): Promise<void> {
  const stored = {
    boxes: await golden.floats(`${part}.boxes`),
    scores: await golden.floats(`${part}.scores`),
    labels: Float32Array.from(await golden.integers(`${part}.labels`)),
  };
  const count = stored.scores.length;
  if (count !== ours.scores.length) {
    compared.wrong.push(`${part}: ${ours.scores.length} detections, expected ${count}`);
    return;
  }
  const noise = {
    boxes: detectionNoise(golden, part, stored, "boxes"),
    scores: detectionNoise(golden, part, stored, "scores"),
  };
  if (order === "best first")
    add(compared, `${part} in order`, (i) => ours.scores[i]!, stored.scores.toSorted().reverse(), noise.scores);
  const left = new Set(stored.scores.keys());
  const partners = Array.from(ours.scores, (score, i) => {
    const far = (row: number) =>
      Math.max(
        Math.abs(stored.scores[row]! - score) / noise.scores,
        ...[0, 1, 2, 3].map((k) => Math.abs(stored.boxes[4 * row + k]! - ours.boxes[4 * i + k]!) / noise.boxes),
      );
    const same = [...left].filter((row) => stored.labels[row] === ours.labels[i]);
    const nearest = same.reduce((best, row) => (best < 0 || far(row) < far(best) ? row : best), -1);
    left.delete(nearest);
    return nearest;
  });
  if (partners.includes(-1)) {
    compared.wrong.push(`${part}: labels that are not expected`);
    return;
  }
  const matched = (from: Float32Array, width: number) => {
    const row = (at: number) => width * partners[Math.floor(at / width)]! + (at % width);
    return Float32Array.from({ length: width * count }, (_, at) => from[row(at)]!);
  };
  add(compared, `${part}.boxes`, (i) => ours.boxes[i]!, matched(stored.boxes, 4), noise.boxes);
  add(compared, `${part}.scores`, (i) => ours.scores[i]!, matched(stored.scores, 1), noise.scores);
}

function add(
  compared: Compared,
  name: string,
  ours: (i: number) => number,
  expected: Float32Array,
  noise: number,
): void {
  const error = expected.reduce((most, value, i) => {
    const off = Math.abs(ours(i) - value);
    return off > most || Number.isNaN(off) ? off : most;
  }, 0);
  const ratio = error === 0 ? 0 : error / noise;
  compared.count++;
  compared.worst = Math.max(compared.worst, ratio);
  if (!(ratio <= MOST)) compared.wrong.push(`${name}: off by ${error}, ${ratio.toFixed(2)} times the rounding`);
}

/**
 * At least the float32 step of the largest number, which is also the noise of numbers that depend only on the picture's size and the
 * prompt.
 */
function noiseOf(golden: Golden<CaseMeta>, name: string, expected: Float32Array): number {
  const { absmax = largest(expected), fp32_vs_fp64_maxabs = 0 } = golden.entry(name);
  return Math.max(fp32_vs_fp64_maxabs, absmax * 2 ** -23);
}

/** The noise of the part; if it was not measured, of all candidates or of the head's outputs. */
function detectionNoise(golden: Golden<CaseMeta>, part: string, stored: Found, kind: "boxes" | "scores"): number {
  const measured = [part, "post.pre_nms"].map((of) => golden.entry(`${of}.${kind}`).fp32_vs_fp64_maxabs).find(Boolean);
  const top = largest(stored[kind]);
  return Math.max(measured ?? headNoise(golden) * top, top * 2 ** -23);
}

function headNoise(golden: Golden<CaseMeta>): number {
  const answers = golden.names.filter((name) => /^head\.(dot_product_logits|bbox_pred|centerness)/.test(name));
  return Math.max(...answers.map((name) => golden.entry(name).fp32_vs_fp64_maxabs ?? 0));
}

function largest(numbers: Float32Array): number {
  return numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** The first entries along the axis in which the stored array is shorter: real words without padding. */
function cutTo(data: Float32Array, shape: readonly number[], wanted: readonly number[]): Float32Array {
  const axis = shape.findIndex((size, k) => size !== wanted[k]);
  if (axis < 0) return data;
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const [from, to] = [shape[axis]! * inner, wanted[axis]! * inner];
  return Float32Array.from(
    { length: (data.length / from) * to },
    (_, i) => data[Math.floor(i / to) * from + (i % to)]!,
  );
}
