/** CLIP's reference numbers: the sets next to the repository. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { BytePairs } from "../../src/inputs/words/byte-pairs.ts";
import { clipExtras } from "../../src/models/clip/infer-clip-config.ts";
import type { ParameterInfo } from "../../src/nn/index.ts";
import { loadWeights } from "../../src/weights/fit.ts";
import { openWeights } from "../../src/weights/open-weights.ts";

const folder = join(import.meta.dirname, "..", "..", "..", "shared", "golden", "clip");

/** The reason why a test that needs the sets is skipped. */
export const needsClip = existsSync(folder)
  ? false
  : "reads ../shared/golden/clip, which is not beside this repository";

export interface ClipMeta {
  kind: string;
  seed: number;
  texts: string[];
  pictures: string[];
  class_names: string[];
  config: { blocks: number[] | null };
}

/** Names of the sets of full-size models with formula weights. */
export function formulaSets(): { name: string; stem: string }[] {
  return setsOf((kind) => kind === "formula-clip");
}

/** Names of the small models' sets, and whether the model has batch norms. */
export function nanoSets(): { name: string; stem: string; norms: boolean }[] {
  return setsOf((kind) => kind.startsWith("nano-")).map((set) => ({
    ...set,
    norms: metaOf(set.name).config.blocks !== null,
  }));
}

function setsOf(wanted: (kind: string) => boolean): { name: string; stem: string }[] {
  if (needsClip) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json") && file !== "tokens.json")
    .map((file) => file.slice(0, -".json".length))
    .filter((name) => wanted(metaOf(name).kind))
    .map((name) => ({ name, stem: join(folder, name) }));
}

function metaOf(name: string): ClipMeta {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")).meta;
}

/** Path of a file of the sets. */
export function clipFile(name: string): string {
  return join(folder, name);
}

/** The tokenizer of the small models. */
export function nanoWords(): BytePairs {
  return BytePairs.parse(gunzipSync(readFileSync(clipFile("bpe-1000.txt.gz"))).toString());
}

/** The parameters of a model from a checkpoint. */
export async function weightsFrom(
  path: string,
  parameters: readonly ParameterInfo[],
): Promise<Map<string, Float32Array>> {
  const file = await openWeights(path);
  try {
    return await loadWeights(parameters, file, { mayBeUnused: clipExtras });
  } finally {
    await file.close();
  }
}
