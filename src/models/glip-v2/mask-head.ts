/**
 * Masks of boxes by words: hourglasses over a box's cut-out, then at each pixel a product with the words' vectors (GLIPv2, section 3.1;
 * GLIP `roi_heads/mask_head`, HourglassPredictor). Without the reference's limits of ±50000, which have no effect.
 */

import { STRIDES } from "../../boxes/anchors.ts";
import {
  convolutionLayer,
  fanInUniform,
  kaimingUniform,
  type Layer,
  linear,
  type Scope,
  zeros,
} from "../../nn/index.ts";
import {
  add,
  concat,
  divide,
  exp,
  gather,
  matmul,
  maxPool,
  multiply,
  normalizeLength,
  relu,
  reshape,
  resizeNearest,
  roiAlign,
  sum,
  type Tensor,
  transposedConvolution,
} from "../../tensor/index.ts";

/** Side of a box's cut-out; a mask has twice as many pixels per side. */
export const CUT_SIDE = 14;
/** Side of a mask, in pixels. */
export const MASK_SIDE = 2 * CUT_SIDE;
const BLOCKS = 4;

/** Boxes cut out of the map of one level. */
export interface LevelBoxes {
  /** xyxy in pixels of the prepared picture [r,4]. */
  readonly boxes: Tensor;
  /** The picture of each [r] (int64). */
  readonly pictures: Tensor;
}

/** Which words make the mask of each of p boxes. */
export interface MaskWords {
  /** Fused words [n,l,d]. */
  readonly words: Tensor;
  /** The picture of each box [p] (int64). */
  readonly pictures: Tensor;
  /** The share of each word in the mask of each box; rows add up to 1 [p,l]. */
  readonly shares: Tensor;
}

/** Masks in three parts: cut-outs of boxes, pixels, and their match with words. */
export interface MaskHead {
  /** Cut-outs of fused maps [p,c,14,14]; `order` [p] (int64) has the place of each box among those of all levels, one level after the other. */
  cut(maps: readonly Tensor[], levels: readonly LevelBoxes[], order: Tensor): Tensor;
  /** Cut-outs to pixel features [p,c,28,28]. */
  pixels(cuts: Tensor): Tensor;
  /** Pixel features to logits of masks [p,28,28]: the mean over the words of each box. */
  logits(pixels: Tensor, of: MaskWords): Tensor;
}

/** `s` is the scope of the head. */
export function maskHead(s: Scope, channels: number, textWidth: number): MaskHead {
  const extractor = s.at("feature_extractor");
  const blocks = Array.from({ length: BLOCKS }, (_, i) => hourglass(extractor.at(`mask_hg${i + 1}`), channels));
  const predictor = s.at("predictor");
  const wide = predictor.parameter("conv5_mask.weight", [channels, channels, 2, 2], kaimingUniform);
  const wideBias = predictor.parameter("conv5_mask.bias", [channels], zeros);
  const project = linear(predictor.at("dot_product_projection_text"), textWidth, channels, { weight: fanInUniform });
  const logScale = predictor.parameter("log_scale", [1], zeros);
  const wordBias = predictor.parameter("bias_lang", [textWidth], zeros);

  return {
    cut: s.layer((maps: readonly Tensor[], levels: readonly LevelBoxes[], order: Tensor): Tensor => {
      const size = [CUT_SIDE, CUT_SIDE] as const;
      const cuts = maps.map((map, i) => {
        const { boxes, pictures } = levels[i]!;
        return roiAlign(map, boxes, pictures, { size, scale: 1 / STRIDES[i]!, samplingRatio: 0, aligned: false });
      });
      return gather(concat(cuts, 0), order);
    }),
    pixels: s.layer((cuts: Tensor): Tensor => {
      const seen = blocks.reduce((x, block) => relu(block(x)), cuts);
      return relu(transposedConvolution(seen, wide, { bias: wideBias, stride: 2 }));
    }),
    logits: s.layer((pixels: Tensor, { words, pictures, shares }: MaskWords): Tensor => {
      const [p, c, h, w] = pixels.shape as readonly [number, number, number, number];
      const [n, l] = words.shape as readonly [number, number, number];
      const unit = normalizeLength(words);
      const tokens = divide(project(multiply(unit, 0.5)), exp(logScale)); // [n,l,c]
      const biases = reshape(sum(multiply(unit, wordBias), [-1]), [n, l, 1]);
      // The mean over words of products is the product with the mean word, which costs no more with many words.
      const mean = (of: Tensor) => matmul(reshape(shares, [p, 1, l]), gather(of, pictures));
      return reshape(add(matmul(mean(tokens), reshape(pixels, [p, c, h * w])), mean(biases)), [p, h, w]);
    }),
  };
}

/** Halves the size and enlarges it again, and adds the full size (Newell et al. 2016). */
function hourglass(s: Scope, channels: number): Layer {
  const [up, ...low] = ["up1", "low1", "low2", "low3"].map((name) => residual(s.at(name), channels));
  return s.layer((x) => {
    const small = low.reduce((y, layer) => layer(y), maxPool(x, { kernel: 2, stride: 2 }));
    return add(up!(x), resizeNearest(small, [x.shape[2]!, x.shape[3]!]));
  });
}

/** Three convolutions; the reference's third argument of the middle one is a dilation. */
function residual(s: Scope, channels: number): Layer {
  const half = channels / 2;
  const first = { kernel: 3, weight: kaimingUniform, bias: zeros };
  const narrow = convolutionLayer(s.at("conv1"), channels, half, { ...first, padding: 1 });
  const middle = convolutionLayer(s.at("conv2"), half, half, { ...first, padding: 3, dilation: 3 });
  const widen = convolutionLayer(s.at("conv3"), half, channels, { ...first, padding: 1 });
  return s.layer((x) => add(widen(relu(middle(relu(narrow(relu(x)))))), x));
}
