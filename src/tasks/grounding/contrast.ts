/**
 * Contrast between regions and words across the pictures of a batch, after GLIPv2's inter-image loss (section 3.2): every region is to be nearer
 * to the words that name it, in whichever caption, than to all other names of the batch. Of the published loss this is the half from regions to words; a
 * region is the mean of a box's anchors, and the vectors are those whose products are the alignment scores. For models without deep fusion,
 * whose words do not depend on the picture.
 */

import { tokenPositions } from "../../inputs/words/spans.ts";
import type { Encoding, Span } from "../../inputs/words/word-pieces.ts";
import type { Aligned } from "../../models/parts/detector.ts";
import {
  add,
  concat,
  divide,
  input,
  logSoftmax,
  matmul,
  multiply,
  reshape,
  subtract,
  swapLast,
  type Tensor,
  total,
} from "../../tensor/index.ts";

/** Regions of a picture that take part; those behind them do not. */
export const MOST_REGIONS = 16;
const NEVER = 1e4;

/** The names of a caption by where they stand, the name of each box, and which names mean nearly the same. */
export interface Names {
  readonly words: readonly { readonly name: string; readonly span: Span }[];
  readonly boxes: readonly string[];
  readonly isKin: (name: string, other: string) => boolean;
}

/** `target.named` [n·r,n·l]: what each token is to get of a region, 1 for all that name it together; `target.barred`: 1 for tokens that are left out of a region's choice. */
export function contrastTargets(
  pictures: readonly { names: Names; encoding: Encoding }[],
  tokens: number,
): Record<"target.named" | "target.barred", Float32Array> {
  const columns = pictures.length * tokens;
  const named = new Float32Array(pictures.length * MOST_REGIONS * columns);
  const barred = new Float32Array(named.length).fill(1);
  const words = pictures.flatMap(({ names, encoding }, picture) =>
    names.words.map(({ name, span }) => ({
      name,
      at: tokenPositions(encoding, span).map((t) => picture * tokens + t),
    })),
  );
  pictures.forEach(({ names }, picture) => {
    names.boxes.slice(0, MOST_REGIONS).forEach((box, region) => {
      const row = (picture * MOST_REGIONS + region) * columns;
      const own = words.filter(({ name }) => name === box).flatMap(({ at }) => at);
      for (const at of own) named[row + at] = 1 / own.length;
      for (const { name, at } of words)
        if (name === box || !names.isKin(box, name)) for (const token of at) barred[row + token] = 0;
    });
  });
  return { "target.named": named, "target.barred": barred };
}

/** The loss of all levels, a number: cross-entropy of regions against all tokens of the batch, averaged over the regions that something names. */
export function contrastLoss(levels: readonly Aligned[]): Tensor {
  const { tokens, offsets } = levels[0]!;
  const places = concat(
    levels.map((level) => level.places),
    2,
  );
  const [n, l, c] = tokens.shape as readonly [number, number, number];
  const rows = n * MOST_REGIONS;
  const regions = matmul(input("target.regions", [n, MOST_REGIONS, places.shape[2]!]), swapLast(places));
  const products = matmul(reshape(regions, [rows, c]), swapLast(reshape(tokens, [n * l, c])));
  const named = input("target.named", [rows, n * l]);
  const open = subtract(
    add(products, reshape(offsets, [1, n * l])),
    multiply(input("target.barred", [rows, n * l]), NEVER),
  );
  return divide(multiply(total(multiply(logSoftmax(open, 1), named)), -1), input("target.regionCount", []));
}
