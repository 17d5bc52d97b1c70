/** A batch of noise with three boxes a picture: of the right sizes for timing a training step. */
import { anchorsOf } from "../src/boxes/anchors.ts";
import type { Random } from "../src/data/random.ts";
import { targetsOf } from "../src/tasks/grounding/targets.ts";
import type { GroundingBatch } from "../src/tasks/grounding/training-step.ts";

export interface BatchSize {
  pictures: number;
  /** Height and width in pixels. */
  side: number;
  tokens: number;
  maxTokens: number;
}

export function randomBatch(random: Random, { pictures, side, tokens, maxTokens }: BatchSize): GroundingBatch {
  const uniform = () => random.unit();
  const box = () => {
    const [x, y] = [uniform() * side * 0.5, uniform() * side * 0.5];
    return [x, y, x + side * (0.1 + 0.35 * uniform()), y + side * (0.1 + 0.35 * uniform())];
  };
  return {
    image: Float32Array.from({ length: pictures * 3 * side * side }, () => 4 * uniform() - 2),
    pictures,
    height: side,
    width: side,
    ids: BigInt64Array.from({ length: pictures * tokens }, () => BigInt(104 + random.below(800))),
    mask: new Float32Array(pictures * tokens).fill(1),
    tokens,
    targets: targetsOf(
      Array.from({ length: pictures }, () => ({
        boxes: Float32Array.from([1, 2, 3].flatMap(box)),
        tokens: [[1], [3], [5]],
      })),
      anchorsOf(side, side),
      { tokens, maxTokens },
    ),
  };
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
