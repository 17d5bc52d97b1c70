/**
 * How scores of frames become cuts: positions of the first frames of new shots. Lengths are in frames. Source:
 * Breakthrough/PySceneDetect `detectors/` and `scene_detector.py`.
 */

/** Scores by frame; 0 stands for a frame without a score. */
type Scores = readonly number[];

export interface CutOptions {
  /** Minimum length of a shot (default 15). */
  minLength?: number;
}

/**
 * Cuts where the content changes by `threshold` or more (default 27). Cuts that follow each other within `minLength` are made one:
 * `merge` keeps the first and the last of such a group, `suppress` those that are far enough apart.
 */
export function contentCuts(
  scores: Scores,
  { threshold = 27, minLength = 15, filter = "merge" }: CutOptions & { threshold?: number; filter?: FlashFilter } = {},
): number[] {
  return filterFlashes(
    scores.map((score) => score >= threshold),
    minLength,
    filter,
  );
}

/** How cuts in quick succession are joined. */
export type FlashFilter = "merge" | "suppress";

/** Cuts among frames that are above a threshold or not. */
export function filterFlashes(above: readonly boolean[], minLength: number, filter: FlashFilter): number[] {
  if (minLength <= 0) return above.flatMap((is, frame) => (is ? [frame] : []));
  return filter === "merge" ? mergedCuts(above, minLength) : farCuts(above, minLength);
}

function farCuts(above: readonly boolean[], minLength: number): number[] {
  const cuts: number[] = [];
  for (const [frame, is] of above.entries()) if (is && frame - (cuts.at(-1) ?? 0) >= minLength) cuts.push(frame);
  return cuts;
}

/** As published, a group is reported once `minLength` frames without a change follow; a group at the end is not. */
function mergedCuts(above: readonly boolean[], minLength: number): number[] {
  const cuts: number[] = [];
  let last = 0;
  let mergingFrom: number | undefined;
  for (const [frame, is] of above.entries()) {
    const apart = frame - last >= minLength;
    if (is) last = frame;
    if (mergingFrom !== undefined) {
      if (!apart || is || last - mergingFrom < minLength) continue;
      mergingFrom = undefined;
      cuts.push(last);
    } else if (is && apart) cuts.push(frame);
    else if (is && cuts.length) mergingFrom = frame;
  }
  return cuts;
}

export interface AdaptiveOptions extends CutOptions {
  /** Minimum ratio to the neighbours (default 3). */
  ratio?: number;
  /** Neighbours on each side (default 2). */
  window?: number;
  /** Minimum change of content (default 15). */
  minContent?: number;
}

/** A frame's change of content over the mean of its neighbours', at most 255; undefined within `window` frames of either end. */
export function adaptiveRatios(
  scores: Scores,
  { window = 2, minContent = 15 }: AdaptiveOptions = {},
): (number | undefined)[] {
  return scores.map((score, frame) => {
    if (frame < window || frame + window >= scores.length) return undefined;
    let sum = 0;
    for (let k = 1; k <= window; k++) sum += scores[frame - k]! + scores[frame + k]!;
    const mean = sum / (2 * window);
    if (mean < 1e-5) return score >= minContent ? 255 : 0;
    return Math.min(score / mean, 255);
  });
}

/** Cuts where the content changes much more than in the neighbouring frames. */
export function adaptiveCuts(scores: Scores, options: AdaptiveOptions = {}): number[] {
  const { ratio = 3, window = 2, minContent = 15, minLength = 15 } = options;
  const cuts: number[] = [];
  for (const [frame, value] of adaptiveRatios(scores, options).entries()) {
    const isCut = value !== undefined && value >= ratio && scores[frame]! >= minContent;
    if (isCut && frame + window - (cuts.at(-1) ?? 0) >= minLength) cuts.push(frame);
  }
  return cuts;
}

/** Cuts where the correlation of histograms falls by `threshold` or more (default 0.2); frames without one count as alike. */
export function histogramCuts(
  correlations: readonly (number | undefined)[],
  { threshold = 0.2, minLength = 15 }: CutOptions & { threshold?: number } = {},
): number[] {
  return farCuts(
    correlations.map((value) => value !== undefined && value <= 1 - threshold),
    minLength,
  );
}

/** Cuts where a share of `threshold` of the hash's bits or more changes (default 0.35). */
export function hashCuts(
  distances: readonly (number | undefined)[],
  { threshold = 0.35, minLength = 15 }: CutOptions & { threshold?: number } = {},
): number[] {
  return farCuts(
    distances.map((value) => value !== undefined && value >= threshold),
    minLength,
  );
}

export interface FadeOptions extends CutOptions {
  /** Intensity that is crossed (default 12). */
  threshold?: number;
  /** Whether a shot is out below the threshold (default), or from it on. */
  out?: "below" | "above";
  /** Where between fade-out and fade-in the cut lies: −1 at the fade-out, 1 at the fade-in (default 0, the middle). */
  bias?: number;
  /** Whether a fade-out at the end is a cut (default false). */
  final?: boolean;
}

/** Cuts between a fade-out and a fade-in. */
export function fadeCuts(
  intensities: readonly number[],
  { threshold = 12, out = "below", bias = 0, final = false, minLength = 15 }: FadeOptions = {},
): number[] {
  const cuts: number[] = [];
  let lastCut = 0;
  let fadedOut: number | undefined;
  for (const [frame, intensity] of intensities.entries()) {
    const isOut = out === "below" ? intensity < threshold : intensity >= threshold;
    if (isOut) fadedOut ??= frame;
    else if (fadedOut !== undefined) {
      if (frame - lastCut >= minLength) {
        cuts.push(fadedOut + roundHalfToEven(((frame - fadedOut) * (1 + bias)) / 2));
        lastCut = frame;
      }
      fadedOut = undefined;
    }
  }
  if (final && fadedOut !== undefined && intensities.length - 1 - lastCut >= minLength) cuts.push(fadedOut);
  return cuts;
}

function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
