/** Loads a RegionCLIP from a name or a path. */

import { createHash } from "node:crypto";
import { type FetchingOptions, fetchingOf } from "../../weights/zoo.ts";
import type { StoredClip } from "../classifying/clip-folder.ts";
import { ClipSessions } from "../classifying/clip-sessions.ts";
import { Encoder } from "../classifying/encoder.ts";
import type { LocatedModel } from "../loading/locate.ts";
import { ClassVectors, classVectorCache } from "./class-vectors.ts";
import { RegionModel } from "./region-model.ts";
import { type RegionSessionOptions, RegionSessions } from "./region-sessions.ts";
import { type RegionClipFiles, readRegionClip, readTextModel } from "./stored-region-clip.ts";

/** The files of a RegionCLIP, its backend (`device`) and precision, and how published models are fetched. */
export interface LoadRegionOptions extends RegionClipFiles, RegionSessionOptions, FetchingOptions {}

/**
 * Loads a RegionCLIP: a published checkpoint (`regionclip_*.pth`), a folder, or a CLIP with a ResNet. `proposals` names the file of region
 * proposals where the checkpoint has none. The text encoder is read when the first names are asked for. The weights are in a temporary
 * file until the model is disposed or the process ends. Throws InputError or WeightsError that name the file.
 */
export function loadRegionModel(nameOrPath: string, options: LoadRegionOptions = {}): Promise<RegionModel> {
  return loadLocatedRegionModel(nameOrPath, options);
}

/** The same for a model that may have been located; its file is closed. */
export async function loadLocatedRegionModel(
  model: string | LocatedModel,
  options: LoadRegionOptions,
): Promise<RegionModel> {
  const { proposals, textModel, offline, progress, signal, ...running } = options;
  const files = {
    ...(proposals === undefined ? {} : { proposals }),
    ...(textModel === undefined ? {} : { textModel }),
  };
  const stored = await readRegionClip(model, files, fetchingOf(options));
  const sessions = await RegionSessions.open(stored, running);
  let encoder: Promise<Encoder> | undefined;
  const text = async () => {
    const clip = await readTextModel(stored, fetchingOf(options));
    const mark = markOf(clip);
    const open = () => (encoder ??= encoderOf(clip, mark, running));
    return new ClassVectors(stored.config.embedding, classVectorCache(mark), open);
  };
  const disposeText = async () => (await encoder)?.dispose();
  return new RegionModel(sessions, text, stored.hasDeltas, disposeText);
}

async function encoderOf(
  { config, weights, words, pictures }: StoredClip,
  mark: string,
  running: RegionSessionOptions,
) {
  return new Encoder(await ClipSessions.open(config, weights, running), words, pictures, { scale: 1, mark });
}

/** A digest of the text encoder: its weights and its words. */
function markOf({ weights, words }: StoredClip): string {
  const hash = createHash("sha256").update(String(words.size));
  for (const [name, numbers] of [...weights].sort(([a], [b]) => (a < b ? -1 : 1)))
    if (!/^(visual\.|logit_scale)/.test(name)) hash.update(name).update(numbers);
  return hash.digest("hex").slice(0, 32);
}
