/** The options of RegionCLIP's detection, their defaults and their valid ranges. */

import type { RegionOptions } from "../../boxes/region-detections.ts";
import { InputError } from "../../errors.ts";
import type { SizeRule } from "../../inputs/pictures/preparation.ts";
import type { RegionClipConfig } from "../../models/region-clip/region-clip.ts";
import { checkOptions, DEFAULT_THRESHOLD, DEFAULT_TOP_K } from "../finding/detect-options.ts";
import type { Box } from "../finding/detection.ts";

/** How the logit of a proposal enters a score: not, as the published root of probability × raw logit, or with the logit's sigmoid. */
export type Fusion = "none" | "logit" | "sigmoid";

/** Which regions of a picture are used. */
export interface RegionSourceOptions {
  /** Boxes to use, in pixels of the picture, instead of region proposals. */
  boxes?: readonly Box[];
  /** Maximum number of region proposals, 1 to 1,000 (default 300). */
  regions?: number;
  /** Length of the resized shorter side and maximum of the longer side, 1 to 10,000 pixels (default 800, 1333). */
  size?: SizeRule;
  /**
   * Region proposals with more overlap (IoU up to 0.9 instead of 0.7), whose boxes stay as they are; default for models that do not move
   * boxes, such as those that are only pretrained.
   */
  zeroShot?: boolean;
}

/** Options of `RegionModel.detect`. */
export interface RegionDetectOptions extends RegionSourceOptions {
  /** Minimum score, 0 to 1 (default 0.5, `DEFAULT_THRESHOLD`; 0 returns all). */
  threshold?: number;
  /** Maximum number of detections per picture, 1 or more (default 100). */
  topK?: number;
  /** Overlap (IoU), 0 to 1, above which a box is suppressed by a better box of the same label (default 0.5; fine-tuned models have `softNms`). */
  nms?: number;
  /** Gaussian soft NMS instead: scores fall by exp(-IoU² / softNms) beside a better box of the same label. Fine-tuned models: 0.5 by default. */
  softNms?: number;
  /** Default: as published, "logit" for zero-shot models and those with masks, else "none". With "logit" scores may exceed 1. */
  fusion?: Fusion;
  /** Called while class vectors are computed, with the number of names done. */
  progress?: (done: number, total: number) => void;
}

/** How regions are chosen and scored, of one model. */
export interface RegionSettings {
  readonly threshold: number;
  readonly topK: number;
  readonly suppression: RegionOptions["suppression"];
  readonly fusion: Fusion;
}

export const REGION_SIZE: SizeRule = { short: 800, max: 1333 };
export const DEFAULT_REGIONS = 300;
const MOST_REGIONS = 1000;
const SIGMA = 0.5;
/** Soft suppression drops boxes at or below this score. */
const LEAST = 0.001;

/** The published settings of a kind of model (RegionCLIP's configurations), where the options say nothing else. */
export function settingsOf(
  config: RegionClipConfig,
  movesBoxes: boolean,
  options: RegionDetectOptions,
): RegionSettings {
  const { threshold = DEFAULT_THRESHOLD, topK = DEFAULT_TOP_K, nms, softNms, fusion, boxes } = options;
  const soft = softNms ?? (movesBoxes && nms === undefined ? SIGMA : undefined);
  return {
    threshold,
    topK,
    suppression:
      soft === undefined ? { kind: "hard", overlap: nms ?? 0.5 } : { kind: "soft", sigma: soft, least: LEAST },
    fusion: boxes ? "none" : (fusion ?? (movesBoxes && !config.masks ? "none" : "logit")),
  };
}

/** Throws InputError that names every option out of range. */
export function checkRegionOptions(options: RegionDetectOptions): void {
  const { threshold, topK, nms, softNms, size, regions, boxes } = options;
  checkOptions({
    ...(threshold === undefined ? {} : { threshold }),
    ...(topK === undefined ? {} : { topK }),
    ...(nms === undefined ? {} : { nms }),
    ...(size === undefined ? {} : { size }),
  });
  const problems: string[] = [];
  if (nms !== undefined && softNms !== undefined) problems.push("nms and softNms exclude each other; give one");
  if (softNms !== undefined && !(softNms > 0 && softNms <= 100))
    problems.push(`softNms is ${softNms}; give a number above 0, such as 0.5`);
  if (regions !== undefined && !(Number.isInteger(regions) && regions >= 1 && regions <= MOST_REGIONS))
    problems.push(`regions is ${regions}; give a whole number from 1 to ${MOST_REGIONS}`);
  const odd = boxes?.find(({ xmin, ymin, xmax, ymax }) => !(xmax > xmin && ymax > ymin && xmin > -1e6 && ymax < 1e6));
  if (odd) problems.push(`the box ${JSON.stringify(odd)} has no area; give xmin < xmax and ymin < ymax in pixels`);
  if (problems.length) throw new InputError(problems.join("; "));
}
