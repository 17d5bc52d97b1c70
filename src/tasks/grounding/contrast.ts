/**
 * Contrast between regions and words across the pictures of a batch, after GLIPv2's inter-image loss (section 3.2): every region is to be nearer
 * to the words that name it, in whichever caption, than to all other names of the batch. Of the published loss this is the half from regions to words; a
 * region is the mean of a box's anchors, and the vectors are those whose products are the alignment scores. For models without deep fusion,
 * whose words do not depend on the picture.
 */

import { levelsOf } from "../../boxes/anchors.ts";
import { tokenPositions } from "../../inputs/words/spans.ts";
import type { Encoding, Span } from "../../inputs/words/word-pieces.ts";
import type { TensorsByName } from "../../learning/traced-step.ts";
import type { Aligned } from "../../models/parts/detector.ts";
import {
  add,
  concat,
  divide,
  logSoftmax,
  matmul,
  multiply,
  reshape,
  subtract,
  swapLast,
  type Tensor,
  total,
} from "../../tensor/index.ts";
import type { GroundingTerm } from "./loss-terms.ts";
import type { GroundingSizes } from "./targets.ts";

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

const rows = ({ pictures }: GroundingSizes) => pictures * MOST_REGIONS;
const columns = ({ pictures, tokens }: GroundingSizes) => pictures * tokens;

/** The loss of all levels: cross-entropy of regions against all tokens of the batch, averaged over the regions that something names. */
export const contrastTerm: GroundingTerm = {
  acrossPictures: true,
  targets: {
    /** What each anchor counts in the mean of a region [n,r,a]. */
    "target.regions": {
      per: "picture",
      shape: ({ pictures, height, width }) => [
        pictures,
        MOST_REGIONS,
        levelsOf(height, width).reduce((sum, level) => sum + level.height * level.width, 0),
      ],
    },
    "target.named": { per: "batch", shape: (sizes) => [rows(sizes), columns(sizes)] },
    "target.barred": { per: "batch", shape: (sizes) => [rows(sizes), columns(sizes)] },
    /** Regions that something names, at least 1. */
    "target.regionCount": { per: "batch", shape: () => [] },
  },
  loss: (levels, t) =>
    contrastLoss(
      levels.flatMap(({ aligned }) => aligned ?? []),
      t,
    ),
};

/** The same for the vectors of all levels. */
export function contrastLoss(levels: readonly Aligned[], t: TensorsByName): Tensor {
  const { tokens, offsets } = levels[0]!;
  const places = concat(
    levels.map((level) => level.places),
    2,
  );
  const [n, l, c] = tokens.shape as readonly [number, number, number];
  const regions = matmul(t["target.regions"]!, swapLast(places));
  const products = matmul(reshape(regions, [n * MOST_REGIONS, c]), swapLast(reshape(tokens, [n * l, c])));
  const open = subtract(add(products, reshape(offsets, [1, n * l])), multiply(t["target.barred"]!, NEVER));
  const sum = total(multiply(logSoftmax(open, 1), t["target.named"]!));
  return divide(multiply(sum, -1), t["target.regionCount"]!);
}
