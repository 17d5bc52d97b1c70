/**
 * Contrastive loss between regions and words across the pictures of a batch, after GLIPv2's inter-image loss (section 3.2). Each region should
 * be closer to the words that name it, in any caption, than to all other names in the batch. This is the half of the published loss from regions
 * to words. A region's vector is the mean over its box's anchors; products of the vectors with text vectors are the alignment scores. Only for
 * models without deep fusion, whose text features do not depend on the picture.
 */

import { levelsOf } from "../../boxes/anchors.ts";
import { tokenPositions } from "../../inputs/words/spans.ts";
import type { Encoding, Span } from "../../inputs/words/word-pieces.ts";
import type { TensorsByName } from "../../learning/traced-step.ts";
import type { AlignmentVectors } from "../../models/parts/detector.ts";
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

/** Maximum number of regions per picture; further regions are ignored. */
export const MOST_REGIONS = 16;
const NEVER = 1e4;

/** The names in a caption with their positions, the name of each box, and which names have nearly the same meaning. */
export interface Names {
  readonly words: readonly { readonly name: string; readonly span: Span }[];
  readonly boxes: readonly string[];
  readonly isRelated: (name: string, other: string) => boolean;
}

/**
 * Targets with a row for each region of the batch and a column for each token of the batch. `target.named` [n·r,n·l]: the target
 * probability of each token; tokens that name the region share 1 equally, other tokens have 0. `target.excluded` [n·r,n·l]: 1 for tokens
 * excluded from the region's softmax, which are padding, tokens outside names, and tokens of names with nearly the same meaning; else 0.
 */
export function contrastTargets(
  pictures: readonly { names: Names; encoding: Encoding }[],
  tokens: number,
): Record<"target.named" | "target.excluded", Float32Array> {
  const columns = pictures.length * tokens;
  const named = new Float32Array(pictures.length * MOST_REGIONS * columns);
  const excluded = new Float32Array(named.length).fill(1);
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
        if (name === box || !names.isRelated(box, name)) for (const token of at) excluded[row + token] = 0;
    });
  });
  return { "target.named": named, "target.excluded": excluded };
}

const rows = ({ pictures }: GroundingSizes) => pictures * MOST_REGIONS;
const columns = ({ pictures, tokens }: GroundingSizes) => pictures * tokens;

/** The loss over all levels: cross-entropy of regions over all tokens of the batch, averaged over the regions that are named. */
export const contrastTerm: GroundingTerm = {
  acrossPictures: true,
  targets: {
    /** Weight of each anchor in the mean of a region [n,r,a]. */
    "target.regions": {
      per: "picture",
      shape: ({ pictures, height, width }) => [
        pictures,
        MOST_REGIONS,
        levelsOf(height, width).reduce((sum, level) => sum + level.height * level.width, 0),
      ],
    },
    "target.named": { per: "batch", shape: (sizes) => [rows(sizes), columns(sizes)] },
    "target.excluded": { per: "batch", shape: (sizes) => [rows(sizes), columns(sizes)] },
    /** Number of regions that are named, at least 1. */
    "target.regionCount": { per: "batch", shape: () => [] },
  },
  loss: (levels, t) =>
    contrastLoss(
      levels.flatMap(({ aligned }) => aligned ?? []),
      t,
    ),
};

/** The same for the vectors of all levels. */
export function contrastLoss(levels: readonly AlignmentVectors[], t: TensorsByName): Tensor {
  const { tokens, offsets } = levels[0]!;
  const places = concat(
    levels.map((level) => level.places),
    2,
  );
  const [n, l, c] = tokens.shape as readonly [number, number, number];
  const regions = matmul(t["target.regions"]!, swapLast(places));
  const products = matmul(reshape(regions, [n * MOST_REGIONS, c]), swapLast(reshape(tokens, [n * l, c])));
  const open = subtract(add(products, reshape(offsets, [1, n * l])), multiply(t["target.excluded"]!, NEVER));
  const sum = total(multiply(logSoftmax(open, 1), t["target.named"]!));
  return divide(multiply(sum, -1), t["target.regionCount"]!);
}
