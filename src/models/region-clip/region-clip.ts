/** RegionCLIP (Zhong et al. 2022): CLIP's picture encoder applied to regions. Key names are those of the published files. */

import { linear, normal, type ParameterInfo, Scope, zeros } from "../../nn/index.ts";
import {
  concat,
  constant,
  convolution,
  matmul,
  multiply,
  normalizeLength,
  relu,
  roiAlign,
  swapLast,
  type Tensor,
  transposedConvolution,
} from "../../tensor/index.ts";
import { attentionPool } from "../parts/attention-pool.ts";
import { type ModifiedResNetConfig, modifiedResNet, STAGE_STRIDES, stageChannels } from "../parts/modified-resnet.ts";
import { frozenNorm, type NormedConvolution } from "../parts/normed-convolution.ts";
import { type LocaliserConfig, localiser, type Proposed } from "./localiser.ts";

export interface RegionClipConfig {
  /** Length of a region's vector. */
  readonly embedding: number;
  readonly recogniser: ModifiedResNetConfig & {
    /** Side of the map that becomes a region's vector; regions are sampled from the map before at twice this size. */
    readonly side: number;
  };
  /** Absent if boxes are always given. */
  readonly localiser?: LocaliserConfig;
  /** 4, or 4 for each class. */
  readonly boxOutputs: number;
  /** Channels of the mask head and its number of classes; absent without masks. */
  readonly masks?: { readonly channels: number; readonly classes: number };
}

/** The outputs for r regions. */
export interface Regions {
  /** Maps after the last stage [r,channels,side,side]. */
  readonly maps: Tensor;
  /** Vectors [r,embedding], not of unit length. */
  readonly vectors: Tensor;
}

export interface RegionClip {
  readonly config: RegionClipConfig;
  readonly parameters: readonly ParameterInfo[];
  /** Intermediates of the last trace, by name. */
  readonly records: ReadonlyMap<string, Tensor>;
  /** Pictures [n,3,h,w], prepared as for CLIP, to maps [n,channels,h/16,w/16]. */
  image(pictures: Tensor): Tensor;
  /**
   * Boxes xyxy [r,4] in pixels of the prepared pictures, and the index of the picture of each [r] (int64), to the outputs of the regions.
   */
  regions(maps: Tensor, boxes: Tensor, pictures: Tensor): Regions;
  /** Logits [r,k+1] of regions for the vectors of k classes [k,embedding], of any length; the last is the background, always 0. */
  logits(vectors: Tensor, classes: Tensor): Tensor;
  /** Offsets [r,boxOutputs] from boxes to refined ones. */
  offsets(vectors: Tensor): Tensor;
  /** Logits of masks [r,classes,2·side,2·side]. Absent without a mask head. */
  readonly masks?: (maps: Tensor) => Tensor;
  /** Pictures, prepared for the localiser, to region proposals at each level. Absent without a localiser. */
  readonly propose?: (pictures: Tensor) => Proposed[];
}

/** Temperature: cosines are divided by it before a softmax; it is not learned. */
export const TEMPERATURE = 0.01;

export interface RegionClipOptions {
  /** How batch norms are computed. Default: with their running statistics. */
  readonly normed?: NormedConvolution;
}

/** The parts of a RegionCLIP. */
export function regionClip(config: RegionClipConfig, { normed = frozenNorm }: RegionClipOptions = {}): RegionClip {
  const { embedding, recogniser, boxOutputs, masks } = config;
  const s = new Scope();
  const backbone = s.at("backbone");
  const body = modifiedResNet(backbone, recogniser, normed);
  const channels = stageChannels(recogniser, 4);
  const { side, width } = recogniser;
  const pool = attentionPool(backbone.at("attnpool"), { side, channels, heads: width / 2, outputs: embedding });
  const head = s.at("roi_heads");
  const boxes = linear(head.at("box_predictor.bbox_pred"), embedding, boxOutputs, {
    weight: normal(0.001),
    bias: zeros,
  });
  const mask = masks && maskHead(head.at("mask_head"), channels, masks);
  const propose =
    config.localiser &&
    localiser(s.at("offline_backbone"), s.at("offline_proposal_generator.rpn_head"), config.localiser, normed);

  const image = (pictures: Tensor): Tensor =>
    ([1, 2, 3] as const).reduce((x, stage) => body.stage(stage, x), body.stem(pictures));
  const regions = head.layer((maps: Tensor, places: Tensor, pictures: Tensor): Regions => {
    const cut = roiAlign(maps, places, pictures, {
      size: [2 * side, 2 * side],
      scale: 1 / STAGE_STRIDES[3],
      samplingRatio: 0,
      aligned: true,
    });
    const seen = s.record("head.res5", body.stage(4, s.record("head.pooled", cut)));
    return { maps: seen, vectors: s.record("head.features", pool(seen)) };
  });
  const logits = head.layer((vectors: Tensor, classes: Tensor): Tensor => {
    const cosines = matmul(normalizeLength(vectors), swapLast(normalizeLength(classes)));
    const regions = vectors.shape[0]!;
    const background = constant(new Float32Array(regions), [regions, 1]);
    return s.record("head.logits", concat([multiply(cosines, 1 / TEMPERATURE), background], 1));
  });
  return {
    config,
    parameters: s.parameters,
    records: s.records,
    image,
    regions,
    logits,
    offsets: (vectors) => s.record("head.deltas", boxes(vectors)),
    ...(mask ? { masks: mask } : {}),
    ...(propose ? { propose } : {}),
  };
}

/** Masks with twice the side of a region's map. */
function maskHead(s: Scope, inputs: number, { channels, classes }: { channels: number; classes: number }) {
  const wide = s.parameter("deconv.weight", [inputs, channels, 2, 2], normal(Math.sqrt(2 / (4 * channels))));
  const wideBias = s.parameter("deconv.bias", [channels], zeros);
  const predict = s.parameter("predictor.weight", [classes, channels, 1, 1], normal(0.001));
  const predictBias = s.parameter("predictor.bias", [classes], zeros);
  return s.layer((maps: Tensor): Tensor => {
    const x = relu(transposedConvolution(maps, wide, { bias: wideBias, stride: 2 }));
    return s.record("mask.logits", convolution(x, predict, { bias: predictBias }));
  });
}
