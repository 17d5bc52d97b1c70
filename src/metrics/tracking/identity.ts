/** Identity, such as IDF1 (TrackEval `trackeval/metrics/identity.py`). */

import { assign } from "../../tracking/assignment.ts";
import { type ComparedFrames, MATCH, ROUNDING } from "./compared-frames.ts";

/** Identity: counts and ratios. */
export interface IdentityScores {
  IDTP: number;
  IDFN: number;
  IDFP: number;
  IDR: number;
  IDP: number;
  IDF1: number;
}

/** Identity of a sequence: each truth belongs to at most one prediction for the whole sequence. */
export function identity(compared: ComparedFrames): IdentityScores {
  const { frames, truths, predicted, truthBoxes, predictedBoxes } = compared;
  const together = Array.from({ length: truths }, () => new Float64Array(predicted));
  for (const { truth, predictions, overlaps } of frames)
    for (const [g, row] of overlaps.entries())
      for (let p = 0; p < row.length; p++) if (row[p]! >= MATCH - ROUNDING) together[truth[g]!]![predictions[p]!]!++;
  // A pair saves as many false negatives and false positives as it has common boxes, so the most common boxes win.
  const IDTP = assign(together.map((row) => row.map((count) => -count))).reduce(
    (sum, [g, p]) => sum + together[g]![p]!,
    0,
  );
  return withIdentityRatios({ IDTP, IDFN: truthBoxes - IDTP, IDFP: predictedBoxes - IDTP });
}

function withIdentityRatios({ IDTP, IDFN, IDFP }: Pick<IdentityScores, "IDTP" | "IDFN" | "IDFP">): IdentityScores {
  return {
    IDTP,
    IDFN,
    IDFP,
    IDR: IDTP / Math.max(1, IDTP + IDFN),
    IDP: IDTP / Math.max(1, IDTP + IDFP),
    IDF1: IDTP / Math.max(1, IDTP + 0.5 * IDFP + 0.5 * IDFN),
  };
}

/** Identity of several sequences together: counts are summed. */
export function combineIdentity(sequences: readonly IdentityScores[]): IdentityScores {
  const sum = (field: "IDTP" | "IDFN" | "IDFP") => sequences.reduce((total, scores) => total + scores[field], 0);
  return withIdentityRatios({ IDTP: sum("IDTP"), IDFN: sum("IDFN"), IDFP: sum("IDFP") });
}
