/** From a picture's features and a prompt to detections: a model's own, merged with those of the detector beside it. */

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
import type { Beside } from "./beside.ts";
import { DEFAULT_THRESHOLD, DEFAULT_TOP_K, type DetectOptions } from "./detect-options.ts";
import type { Detection } from "./detection.ts";
import type { KeptFeatures, Seen } from "./kept-features.ts";
import type { Predictor } from "./predictor.ts";

/** Who answers. */
export interface Finder {
  readonly predictor: Predictor;
  readonly features: KeptFeatures;
  /** Answers, too, for the names that it knows. */
  readonly companion?: Beside;
  /** How emoji are read. */
  readonly names?: NameList;
}

/** Detections of a prompt's labels, best first, each with the number of its label. */
export async function findInPicture(
  finder: Finder,
  { seen, prompt }: { seen: Seen; prompt: Prompt },
  options: DetectOptions,
): Promise<{ detection: Detection; label: number }[]> {
  const found: Detections[] = [];
  for (const pass of prompt.passes) found.push(await findPass(finder, { seen, pass }, options));
  const known = await findKnown(finder, { seen, prompt }, options);
  const all = joined(known ? [...found, known] : found);
  // Those of one detector are suppressed already.
  const apart = known ? finalDetections(all, { ...selection(options), limit: Infinity }) : all;
  const { threshold = DEFAULT_THRESHOLD, topK = DEFAULT_TOP_K } = options;
  return inPicture(apart, { seen, prompt })
    .filter(({ detection }) => detection.score >= threshold)
    .slice(0, topK);
}

/** Detections of one pass, in pixels of the prepared picture, by the prompt's labels. */
async function findPass(
  { predictor, features }: Finder,
  { seen, pass }: { seen: Seen; pass: Pass },
  options: DetectOptions,
): Promise<Detections> {
  const levels = await predictor.answer(seen.features, await features.ofCaption(pass));
  const { width, height } = seen.picture.images.model;
  const found = selectDetections(levels, { labelTokens: pass.labelTokens, width, height, ...selection(options) });
  return { ...found, labels: found.labels.map((label) => pass.classes[label]!) };
}

/** What the companion finds, if it knows one of the names; what was learned for names is not its own to answer. */
async function findKnown(
  { companion, names }: Finder,
  { seen, prompt: { labels, passes } }: { seen: Seen; prompt: Prompt },
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

/** Detections in pixels of the picture as it was given, best first. */
function inPicture(found: Detections, { seen, prompt }: { seen: Seen; prompt: Prompt }) {
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

/** What a caller's wishes mean for the selection of boxes. */
function selection({ textThreshold, nms, topK }: DetectOptions) {
  return {
    ...(textThreshold === undefined ? {} : { threshold: textThreshold }),
    ...(nms === undefined ? {} : { suppression: nms }),
    ...(topK === undefined ? {} : { limit: topK }),
  };
}
