/** Computes detections from a picture's features and a prompt, and merges them with the companion's detections. */

import {
  bestFirst,
  type Detections,
  finalDetections,
  joined,
  rescaleDetections,
  selectDetections,
} from "../../boxes/select.ts";
import type { NameList } from "../../inputs/words/name-list.ts";
import type { Pass, Prompt } from "../../inputs/words/prompts.ts";
import { DEFAULT_THRESHOLD, DEFAULT_TOP_K, type DetectOptions } from "./detect-options.ts";
import type { Detection } from "./detection.ts";
import type { CachedPicture, FeatureCache } from "./feature-cache.ts";
import type { Predictor } from "./predictor.ts";
import type { SecondDetector } from "./second-detector.ts";

/** The detectors to use. */
export interface Detectors {
  readonly predictor: Predictor;
  readonly features: FeatureCache;
  /** A second detector for the names it knows. */
  readonly companion?: SecondDetector;
  /** The names of emoji. */
  readonly names?: NameList;
}

/** Detections of a prompt's labels, best first, each with its label index. */
export async function findInPicture(
  finder: Detectors,
  { seen, prompt }: { seen: CachedPicture; prompt: Prompt },
  options: DetectOptions,
): Promise<{ detection: Detection; label: number }[]> {
  const found: Detections[] = [];
  for (const pass of prompt.passes) found.push(await findPass(finder, { seen, pass }, options));
  const known = await findKnown(finder, { seen, prompt }, options);
  const all = joined(known ? [...found, known] : found);
  // Detections of a single detector are suppressed already.
  const apart = known ? finalDetections(all, { ...selection(options), limit: Infinity }) : all;
  const { threshold = DEFAULT_THRESHOLD, topK = DEFAULT_TOP_K } = options;
  return inPicture(apart, { seen, prompt })
    .filter(({ detection }) => detection.score >= threshold)
    .slice(0, topK);
}

/** Detections of one pass, in pixels of the prepared picture, with the prompt's label indices. */
async function findPass(
  { predictor, features }: Detectors,
  { seen, pass }: { seen: CachedPicture; pass: Pass },
  options: DetectOptions,
): Promise<Detections> {
  const levels = await predictor.answer(seen.features, await features.ofCaption(pass));
  const { width, height } = seen.picture.images.model;
  const found = selectDetections(levels, { labelTokens: pass.labelTokens, width, height, ...selection(options) });
  return { ...found, labels: found.labels.map((label) => pass.classes[label]!) };
}

/** The companion's detections, if it knows one of the names; none for an adapted prompt. */
async function findKnown(
  { companion, names }: Detectors,
  { seen, prompt: { labels, passes } }: { seen: CachedPicture; prompt: Prompt },
  options: DetectOptions,
): Promise<Detections | undefined> {
  const { companion: image, model: own } = seen.picture.images;
  if (!companion || !image || passes.some(({ learned }) => learned)) return undefined;
  const spelled = labels.map((label) => names?.spelledOut(label) ?? label);
  if (spelled.every((label) => companion.classOf(label) === undefined)) return undefined;
  const { width, height } = own;
  seen.known ??= companion.look(image, { width, height });
  return companion.select(await seen.known, spelled, { width, height, ...selection(options) });
}

/** Detections in pixels of the original picture, best first. */
function inPicture(found: Detections, { seen, prompt }: { seen: CachedPicture; prompt: Prompt }) {
  const { width, height } = seen.picture.images.model;
  const ratios = { x: seen.picture.width / width, y: seen.picture.height / height };
  const { boxes, scores, labels } = bestFirst(rescaleDetections(found, ratios));
  return Array.from(scores, (score, i) => {
    const label = labels[i]!;
    const side = (corner: number) => boxes[4 * i + corner]!;
    const box = { xmin: side(0), ymin: side(1), xmax: side(2), ymax: side(3) };
    return { detection: { score, label: prompt.labels[label]!, box }, label };
  });
}

/** Converts a caller's options to options for the selection of boxes. */
function selection({ textThreshold, nms, topK }: DetectOptions) {
  return {
    ...(textThreshold === undefined ? {} : { threshold: textThreshold }),
    ...(nms === undefined ? {} : { suppression: nms }),
    ...(topK === undefined ? {} : { limit: topK }),
  };
}
