/** CLEAR, the scores of multi-object tracking such as MOTA (TrackEval `trackeval/metrics/clear.py`). */

import { assign } from "../../tracking/assignment.ts";
import { type ComparedFrames, MATCH, ROUNDING } from "./compared-frames.ts";

/** The counts of CLEAR, from which its ratios follow. */
export interface ClearCounts {
  CLR_TP: number;
  CLR_FN: number;
  CLR_FP: number;
  IDSW: number;
  /** Objects matched in more than 80 % of their frames, from 20 % on, in fewer. */
  MT: number;
  PT: number;
  ML: number;
  Frag: number;
  CLR_Frames: number;
  MOTP_sum: number;
}

/** CLEAR: counts and ratios under the names of TrackEval. */
export interface ClearScores extends ClearCounts {
  MOTA: number;
  MOTP: number;
  MODA: number;
  CLR_Re: number;
  CLR_Pr: number;
  MTR: number;
  PTR: number;
  MLR: number;
  sMOTA: number;
  CLR_F1: number;
  FP_per_frame: number;
  MOTAL: number;
}

/** CLEAR of a sequence. */
export function clear(compared: ComparedFrames): ClearScores {
  const { frames, truths, truthBoxes, predictedBoxes } = compared;
  const none = { CLR_TP: 0, IDSW: 0, MT: 0, PT: 0, Frag: 0, MOTP_sum: 0 };
  if (!predictedBoxes) return emptyClear({ ...none, CLR_FN: truthBoxes, CLR_FP: 0, ML: truths, CLR_Frames: 0 });
  if (!truthBoxes) return emptyClear({ ...none, CLR_FN: 0, CLR_FP: predictedBoxes, ML: 0, CLR_Frames: 0 });
  const counts: ClearCounts = { ...none, CLR_FN: 0, CLR_FP: 0, ML: 0, CLR_Frames: frames.length };
  const memory = {
    matched: new Int32Array(truths),
    runs: new Int32Array(truths),
    lastEver: new Int32Array(truths).fill(-1),
    lastFrame: new Int32Array(truths).fill(-1),
  };
  const life = new Int32Array(truths);
  for (const frame of frames) {
    for (const id of frame.truth) life[id]!++;
    countFrame(frame, counts, memory);
  }
  const { matched, runs } = memory;
  for (let id = 0; id < truths; id++) {
    const share = matched[id]! / life[id]!;
    if (share > 0.8) counts.MT++;
    else if (share >= 0.2) counts.PT++;
    if (runs[id]! > 0) counts.Frag += runs[id]! - 1;
  }
  counts.ML = truths - counts.MT - counts.PT;
  return withClearRatios(counts);
}

/** What is known of each truth after some frames. */
interface Memory {
  /** Frames in which it was matched, and runs of such frames. */
  readonly matched: Int32Array;
  readonly runs: Int32Array;
  /** The prediction last matched with it, ever and in the frame before (−1: none). */
  readonly lastEver: Int32Array;
  lastFrame: Int32Array;
}

/** Adds a frame to the counts and the memory. */
function countFrame(
  { truth, predictions, overlaps }: ComparedFrames["frames"][number],
  counts: ClearCounts,
  memory: Memory,
): void {
  // As published, a frame without truth or predictions leaves the memory of the frame before as it is.
  if (!truth.length || !predictions.length) {
    counts.CLR_FN += truth.length;
    counts.CLR_FP += predictions.length;
    return;
  }
  const { matched, runs, lastEver, lastFrame } = memory;
  const scores = overlaps.map((row, g) =>
    row.map((value, p) =>
      value < MATCH - ROUNDING ? 0 : value + (lastFrame[truth[g]!] === predictions[p] ? 1000 : 0),
    ),
  );
  const now = new Int32Array(lastFrame.length).fill(-1);
  let found = 0;
  for (const [g, p] of assign(scores.map((row) => row.map((score) => -score)))) {
    if (!(scores[g]![p]! > ROUNDING)) continue;
    const [id, other] = [truth[g]!, predictions[p]!];
    if (lastEver[id]! >= 0 && lastEver[id] !== other) counts.IDSW++;
    if (lastFrame[id] === -1) runs[id]!++;
    lastEver[id] = now[id] = other;
    matched[id]!++;
    found++;
    counts.MOTP_sum += overlaps[g]![p]!;
  }
  counts.CLR_TP += found;
  counts.CLR_FN += truth.length - found;
  counts.CLR_FP += predictions.length - found;
  memory.lastFrame = now;
}

/** As published: where nothing can be compared, all ratios but `MLR` are 0. */
function emptyClear(counts: ClearCounts): ClearScores {
  const ratios = { MOTA: 0, MOTP: 0, MODA: 0, CLR_Re: 0, CLR_Pr: 0, MTR: 0, PTR: 0, MLR: 1 };
  return { ...counts, ...ratios, sMOTA: 0, CLR_F1: 0, FP_per_frame: 0, MOTAL: 0 };
}

function withClearRatios(counts: ClearCounts): ClearScores {
  const { CLR_TP, CLR_FN, CLR_FP, IDSW, MT, PT, ML, CLR_Frames, MOTP_sum } = counts;
  const objects = Math.max(1, MT + PT + ML);
  const boxes = Math.max(1, CLR_TP + CLR_FN);
  const switches = IDSW > 0 ? Math.log10(IDSW) : 0;
  return {
    ...counts,
    MTR: MT / objects,
    PTR: PT / objects,
    MLR: ML / objects,
    CLR_Re: CLR_TP / boxes,
    CLR_Pr: CLR_TP / Math.max(1, CLR_TP + CLR_FP),
    MODA: (CLR_TP - CLR_FP) / boxes,
    MOTA: (CLR_TP - CLR_FP - IDSW) / boxes,
    MOTP: MOTP_sum / Math.max(1, CLR_TP),
    sMOTA: (MOTP_sum - CLR_FP - IDSW) / boxes,
    CLR_F1: CLR_TP / Math.max(1, CLR_TP + 0.5 * CLR_FN + 0.5 * CLR_FP),
    FP_per_frame: CLR_FP / Math.max(1, CLR_Frames),
    MOTAL: (CLR_TP - CLR_FP - switches) / boxes,
  };
}

/** CLEAR of several sequences together: counts are summed. */
export function combineClear(sequences: readonly ClearScores[]): ClearScores {
  const sum = (field: keyof ClearCounts) => sequences.reduce((total, scores) => total + scores[field], 0);
  return withClearRatios({
    CLR_TP: sum("CLR_TP"),
    CLR_FN: sum("CLR_FN"),
    CLR_FP: sum("CLR_FP"),
    IDSW: sum("IDSW"),
    MT: sum("MT"),
    PT: sum("PT"),
    ML: sum("ML"),
    Frag: sum("Frag"),
    CLR_Frames: sum("CLR_Frames"),
    MOTP_sum: sum("MOTP_sum"),
  });
}
