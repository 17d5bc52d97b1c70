/** RegionCLIP's reference numbers: the sets next to the repository, their pictures and weights. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { CLIP_PIXELS } from "../../src/inputs/pictures/prepare-crop.ts";
import { asLocaliser } from "../../src/models/region-clip/infer-region-clip-config.ts";
import { Session } from "../../src/onnx/index.ts";
import type { Numbers, Tensor } from "../../src/tensor/index.ts";
import { openWeights } from "../../src/weights/open-weights.ts";
import { renameWeights } from "../../src/weights/rename.ts";
import type { WeightsEntry } from "../../src/weights/weights-file.ts";
import type { Golden } from "./golden.ts";

/** Folder of the sets. */
export const regionClipFolder = join(import.meta.dirname, "..", "..", "..", "shared", "golden", "regionclip");
const folder = regionClipFolder;

/** The reason why a test that needs the sets is skipped. */
export const needsRegionClip = existsSync(folder)
  ? false
  : "reads ../shared/golden/regionclip, which is not beside this repository";

export interface RegionClipMeta {
  pictures?: string[];
  original_hw: [number, number][];
  resized_hw: [number, number][];
  classes?: string;
  rpn?: { file: string; pre: number; nms: number; post: number };
  select?: {
    threshold: number;
    nms: number;
    topk: number;
    soft: boolean;
    sigma?: number;
    prune?: number;
    fuse: "logit" | null;
    box_deltas: boolean;
  };
}

export interface DetectionSet {
  readonly name: string;
  readonly stem: string;
  /** Whether the set has outputs before the proposals, and outputs of the regions. */
  readonly hasLevels: boolean;
  readonly hasRegions: boolean;
}

/** The sets of a published checkpoint's structure with proposals or classification. */
export function detectionSets(): DetectionSet[] {
  if (needsRegionClip) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .flatMap((file) => {
      const stem = join(folder, file.slice(0, -".json".length));
      const { meta, tensors } = JSON.parse(readFileSync(join(folder, file), "utf8")) as {
        meta: RegionClipMeta;
        tensors: Record<string, unknown>;
      };
      if (!meta.pictures || !(meta.rpn || meta.select)) return [];
      const holds = (name: string) => Object.hasOwn(tensors, name);
      return { name: basename(stem), stem, hasLevels: holds("rpn.logits.0"), hasRegions: holds("head.features") };
    });
}

/** Names, shapes and values of the checkpoint, with the localiser of another file if one is named. */
export async function weightsWith(rpn: string | undefined) {
  const weights = new Map<string, Float32Array>();
  const entries = new Map<string, WeightsEntry>();
  const take = async (path: string, rename: (name: string) => string | undefined) => {
    const file = renameWeights(await openWeights(join(folder, path)), rename);
    for (const entry of file.entries.values()) {
      entries.set(entry.name, entry);
      weights.set(entry.name, await file.readFloat32(entry.name));
    }
    await file.close();
  };
  const other = rpn !== undefined && rpn !== "checkpoint.pth";
  await take("checkpoint.pth", (name) => (other && name.startsWith("offline_") ? undefined : name));
  if (other) await take(rpn, asLocaliser);
  return { weights, entries };
}

/** The single tensor in a file of class vectors. */
export async function classVectors(file: string): Promise<{ vectors: Float32Array; classes: number }> {
  const opened = await openWeights(join(folder, file));
  const vectors = await opened.readFloat32("tensor");
  const classes = opened.entries.get("tensor")!.shape[0]!;
  await opened.close();
  return { vectors, classes };
}

/** The mean of blue, green and red that is subtracted for the localiser. */
const LOCALISER_MEAN = [103.53, 116.28, 123.675];

/** All pictures of a set as one padded batch for the recogniser or for the localiser, with sides that are multiples of `multiple`. */
export async function pictureBatch(golden: Golden<RegionClipMeta>, of: "recogniser" | "localiser", multiple = 1) {
  const sizes = golden.meta.resized_hw;
  const pad = (side: number) => Math.ceil(side / multiple) * multiple;
  const height = pad(Math.max(...sizes.map(([h]) => h)));
  const width = pad(Math.max(...sizes.map(([, w]) => w)));
  const data = new Float32Array(sizes.length * 3 * height * width);
  const { fround } = Math;
  const { mean, deviation } = CLIP_PIXELS;
  const value =
    of === "recogniser"
      ? (level: number, k: number) => fround(fround(fround(level / 255) - fround(mean[k]!)) / fround(deviation[k]!))
      : (level: number, k: number) => fround(level - fround(LOCALISER_MEAN[k]!));
  for (const [i, [h, w]] of sizes.entries()) {
    const rgb = await golden.integers(`input.rgb.${i}`);
    for (let k = 0; k < 3; k++) {
      const from = of === "recogniser" ? k : 2 - k;
      for (let y = 0; y < h; y++)
        for (let x = 0; x < w; x++)
          data[((i * 3 + k) * height + y) * width + x] = value(rgb[3 * (y * w + x) + from]!, k);
    }
  }
  return { data, shape: [sizes.length, 3, height, width] as const };
}

/** Pixels of one picture for the recogniser: [3,h,w], red, green and blue, normalised. */
export function recogniserTensor(rgb: ArrayLike<number>): Float32Array {
  const { fround } = Math;
  const { mean, deviation } = CLIP_PIXELS;
  const plane = rgb.length / 3;
  return Float32Array.from({ length: rgb.length }, (_, i) => {
    const k = Math.floor(i / plane);
    const level = fround(rgb[3 * (i % plane) + k]! / 255);
    return fround(fround(level - fround(mean[k]!)) / fround(deviation[k]!));
  });
}

/** Runs the outputs in a session with one thread and constant weights. */
export async function runOnce(
  outputs: Record<string, Tensor>,
  feeds: Record<string, Numbers>,
  weights: ReadonlyMap<string, Float32Array>,
): Promise<Record<string, Float32Array>> {
  const session = await Session.compile(outputs, { threads: 1, baked: (name) => weights.get(name) });
  try {
    return (await session.run(feeds)) as Record<string, Float32Array>;
  } finally {
    await session.dispose();
  }
}
