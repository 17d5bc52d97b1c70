/** A RegionCLIP on disk: a checkpoint or a folder, and the files that go with it (published files: RegionCLIP `docs/MODEL_ZOO.md`). */

import { join } from "node:path";
import { WeightsError } from "../../errors.ts";
import { CLIP_PIXELS } from "../../inputs/pictures/prepare-crop.ts";
import { clip } from "../../models/clip/clip.ts";
import { clipPresets } from "../../models/clip/clip-presets.ts";
import { inferTextConfig } from "../../models/clip/infer-clip-config.ts";
import { families } from "../../models/families.ts";
import {
  asLocaliser,
  inferRegionClipConfig,
  regionClipExtras,
} from "../../models/region-clip/infer-region-clip-config.ts";
import { type RegionClipConfig, regionClip } from "../../models/region-clip/region-clip.ts";
import { checkedRegionClipSizes } from "../../models/region-clip/region-clip-sizes.ts";
import { loadWeights } from "../../weights/fit.ts";
import { joinedWeights } from "../../weights/joined.ts";
import { openWeights } from "../../weights/open-weights.ts";
import { renameWeights } from "../../weights/rename.ts";
import type { WeightsFile } from "../../weights/weights-file.ts";
import type { ZooOptions } from "../../weights/zoo.ts";
import { readClip, type StoredClip, wordsOf } from "../classifying/clip-folder.ts";
import { type LocatedModel, locateModel } from "../loading/locate.ts";

/** Files with the parts that are missing in the file of a recogniser. */
export interface RegionClipFiles {
  /** A file of region proposals (`rpn_*.pth`), instead of those in the recogniser's file. */
  proposals?: string;
  /** The CLIP whose text encoder makes class vectors. Default: that of the file, else the published CLIP of the recogniser's size. */
  textModel?: string;
}

export interface StoredRegionClip {
  readonly path: string;
  readonly config: RegionClipConfig;
  /** By the names of the published files, with separate batch norms. */
  readonly weights: Map<string, Float32Array>;
  /** Whether the model moves boxes; fine-tuned models do. */
  readonly hasDeltas: boolean;
  /** Where the text encoder is: a CLIP by its name or path, or the checkpoint itself. */
  readonly text: { readonly kind: "clip"; readonly model: string } | { readonly kind: "own"; readonly path: string };
}

const DELTAS = "roi_heads.box_predictor.bbox_pred.weight";
/** Before the names of the text encoder's tensors. */
const LANGUAGE = "lang_encoder.";
const TEXT = /^(token_embedding|positional_embedding|text_projection|transformer|ln_final)\b/;

/**
 * Reads a recogniser with its proposals, and closes the file of a located model. Throws InputError if there is no such file, WeightsError if
 * it is not a RegionCLIP's.
 */
export async function readRegionClip(
  model: string | LocatedModel,
  { proposals, textModel }: RegionClipFiles = {},
  options: ZooOptions = {},
): Promise<StoredRegionClip> {
  const located = typeof model === "string" ? await locateModel(model, "regions", options) : model;
  const { name, path, type, file: found } = located;
  const source = found ? path : join(path, "model.safetensors");
  const opened = found ?? (await openWeights(source));
  const named = type === "clip" ? renameWeights(families.clip.published!.underOwnNames!(opened), asRecogniser) : opened;
  const file = proposals === undefined ? named : await withProposals(named, proposals);
  try {
    if (type === "clip" && !file.entries.has("backbone.attnpool.c_proj.bias"))
      throw new WeightsError(
        `${name}: is a CLIP with a vision transformer, which has no map to cut regions from; use one with a ResNet, such as clip-rn50`,
      );
    const config = checkedRegionClipSizes(inferRegionClipConfig(file.entries, source), source);
    const { parameters } = regionClip(config);
    const hasDeltas = file.entries.has(DELTAS);
    const weights = await loadWeights(parameters, file, { mayBeUnused: regionClipExtras, mayMiss: /bbox_pred\./ });
    return { path: source, config, weights, hasDeltas, text: textOf(config, { file, source, textModel }) };
  } finally {
    await file.close();
  }
}

/** A tensor of OpenAI's CLIP under the name that it has in RegionCLIP's files. */
function asRecogniser(name: string): string | undefined {
  if (name.startsWith("visual.")) return `backbone.${name.slice("visual.".length)}`;
  return TEXT.test(name) ? LANGUAGE + name : undefined;
}

/** The recogniser with the file's proposals in place of its own. */
async function withProposals(recogniser: WeightsFile, path: string): Promise<WeightsFile> {
  const other = renameWeights(await openWeights(path), asLocaliser);
  if (!other.entries.has("offline_proposal_generator.rpn_head.objectness_logits.weight")) {
    await Promise.all([recogniser.close(), other.close()]);
    throw new WeightsError(`${path}: holds no region proposals; give a file such as rpn_lvis_866.pth with --proposals`);
  }
  const own = renameWeights(recogniser, (name) => (name.startsWith("offline_") ? undefined : name));
  return joinedWeights(own, other);
}

/**
 * The CLIP whose text encoder makes class vectors, as `readClip` reads it. Throws WeightsError if there is none, or if its vectors are not
 * as long as those of regions.
 */
export async function readTextModel(
  { path, config, text }: StoredRegionClip,
  options: ZooOptions = {},
): Promise<StoredClip> {
  if (text.kind === "clip" && text.model === "")
    throw new WeightsError(`${path}: has no text encoder; give the CLIP that it comes from with --text-model`);
  const clip = text.kind === "clip" ? await readClip(text.model, options) : await ownText(text.path, config);
  if (clip.config.embedding === config.embedding) return clip;
  const source = text.kind === "clip" ? text.model : text.path;
  throw new WeightsError(
    `${source}: its text vectors have ${clip.config.embedding} numbers, and the regions of ${path} have ${config.embedding}; give the CLIP that the model comes from with --text-model`,
  );
}

/** The text encoder in a recogniser's own file, with the configuration of its picture encoder. */
async function ownText(path: string, { recogniser }: RegionClipConfig): Promise<StoredClip> {
  const opened = await openWeights(path);
  const named = (name: string) => (name.startsWith(LANGUAGE) ? name.slice(LANGUAGE.length) : name);
  const file = renameWeights(opened, (name) => (TEXT.test(named(name)) ? named(name) : undefined));
  try {
    const { side, ...body } = recogniser;
    const image = { kind: "resnet", ...body, resolution: 32 * side } as const;
    const config = { ...inferTextConfig(file.entries, path), image };
    const parameters = clip(config).parameters.filter(({ name }) => TEXT.test(name));
    const [weights, words] = [await loadWeights(parameters, file), await wordsOf(config, path)];
    return { config, weights, words, pictures: { side: image.resolution, ...CLIP_PIXELS } };
  } finally {
    await file.close();
  }
}

interface TextSource {
  file: WeightsFile;
  source: string;
  textModel: string | undefined;
}

function textOf(config: RegionClipConfig, { file, source, textModel }: TextSource): StoredRegionClip["text"] {
  if (textModel !== undefined) return { kind: "clip", model: textModel };
  if (file.entries.has(`${LANGUAGE}text_projection`)) return { kind: "own", path: source };
  const { blocks, width } = config.recogniser;
  const preset = Object.entries(clipPresets).find(
    ([name, { embedding, image }]) =>
      !name.startsWith("nano") &&
      embedding === config.embedding &&
      image.kind === "resnet" &&
      image.width === width &&
      String(image.blocks) === String(blocks),
  );
  return { kind: "clip", model: preset ? `clip-${preset[0]}` : "" };
}
