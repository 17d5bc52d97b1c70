/**
 * Labels of every frame: accuracy, segmental F1 and edit score. Source: yabufarha/ms-tcn `eval.py`.
 */

/** A run of frames with one label. */
export interface Run {
  label: string;
  start: number;
  /** Index after the last frame. */
  end: number;
}

/** The runs of a list of labels, one a frame. */
export function runsOf(labels: readonly string[]): Run[] {
  const runs: Run[] = [];
  for (const [frame, label] of labels.entries()) {
    const last = runs.at(-1);
    if (last?.label === label) last.end = frame + 1;
    else runs.push({ label, start: frame, end: frame + 1 });
  }
  return runs;
}

/** Segments found, wrong and missed. */
export interface SegmentCounts {
  tp: number;
  fp: number;
  fn: number;
}

/**
 * Segments found at an overlap of at least `least`. A predicted segment is compared with the true one of its label with the largest
 * overlap, and is wrong where that was found before. Segments of the background are left out.
 */
export function segmentCounts(
  truth: readonly string[],
  prediction: readonly string[],
  least: number,
  background?: string,
): SegmentCounts {
  const wanted = runsOf(truth).filter(({ label }) => label !== background);
  const found = new Set<Run>();
  let [tp, fp] = [0, 0];
  for (const run of runsOf(prediction)) {
    if (run.label === background) continue;
    let best: { run: Run; overlap: number } | undefined;
    for (const other of wanted) {
      if (other.label !== run.label) continue;
      const overlap =
        (Math.min(run.end, other.end) - Math.max(run.start, other.start)) /
        (Math.max(run.end, other.end) - Math.min(run.start, other.start));
      if (overlap > (best?.overlap ?? 0)) best = { run: other, overlap };
    }
    if (best && best.overlap >= least && !found.has(best.run)) {
      found.add(best.run);
      tp++;
    } else fp++;
  }
  return { tp, fp, fn: wanted.length - found.size };
}

/** F1 from counts, which are summed over videos first; 0 to 1. */
export function segmentalF1({ tp, fp, fn }: SegmentCounts): number {
  return tp ? (2 * tp) / (2 * tp + fp + fn) : 0;
}

/** How near the order of segments is to the true one, by Levenshtein distance; 0 to 1. */
export function editScore(truth: readonly string[], prediction: readonly string[], background?: string): number {
  const labels = (frames: readonly string[]) =>
    runsOf(frames).flatMap(({ label }) => (label === background ? [] : [label]));
  const [a, b] = [labels(prediction), labels(truth)];
  const longer = Math.max(a.length, b.length);
  return longer ? 1 - levenshtein(a, b) / longer : 1;
}

/** Frames with the true label; a shorter prediction misses the rest. */
export function correctFrames(truth: readonly string[], prediction: readonly string[]): number {
  return truth.filter((label, frame) => label === prediction[frame]).length;
}

function levenshtein(a: readonly string[], b: readonly string[]): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, value] of a.entries()) {
    const next = [i + 1];
    for (const [j, other] of b.entries())
      next.push(value === other ? row[j]! : Math.min(row[j]!, row[j + 1]!, next[j]!) + 1);
    row = next;
  }
  return row[b.length]!;
}
