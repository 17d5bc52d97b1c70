/** The benchmark cases: small networks that represent the parts of a detector, each as a forward pass and a training step. */

import { bertLayer } from "../src/models/parts/bert.ts";
import { fpn } from "../src/models/parts/fpn.ts";
import { shiftMask, swinBlock } from "../src/models/parts/swin.ts";
import { convolutionLayer, type ParameterInfo, Scope } from "../src/nn/index.ts";
import { constant, deformableConvolution, input, relu, type Tensor } from "../src/tensor/index.ts";

export interface Network {
  about: string;
  parameters: readonly ParameterInfo[];
  inputs: readonly Tensor<"input">[];
  outputs: readonly Tensor[];
}

export const cases: Readonly<Record<string, () => Network>> = { transformer, swin, pyramid, deformable };

/** 6 layers, width 384, 128 tokens, batch 8. */
function transformer(): Network {
  const s = new Scope();
  const config = { hiddenSize: 384, heads: 6, intermediateSize: 1536, vocabularySize: 1, positions: 1 };
  const layers = Array.from({ length: 6 }, (_, i) => bertLayer(s.at(i), config));
  const x = input("x", [8, 128, 384]) as Tensor<"input">;
  const mask = constant(new Float32Array(8 * 128).fill(1), [8, 128]);
  const y = layers.reduce((value: Tensor, layer) => layer(value, mask), x);
  return {
    about: "6 transformer layers, 384 wide, 128 tokens, batch 8",
    parameters: s.parameters,
    inputs: [x],
    outputs: [y],
  };
}

/** 4 blocks, width 96, windows of 7, 56 x 56, batch 4. */
function swin(): Network {
  const s = new Scope();
  const blocks = [0, 3, 0, 3].map((shift, i) =>
    swinBlock(s.at(i), { width: 96, heads: 3, window: 7, shift, dropRate: 0 }),
  );
  const x = input("x", [4, 56, 56, 96]) as Tensor<"input">;
  const mask = shiftMask({ h: 56, w: 56 }, 7);
  const y = blocks.reduce((value: Tensor, block) => block(value, mask), x);
  return { about: "4 Swin blocks, 96 wide, 56 x 56, batch 4", parameters: s.parameters, inputs: [x], outputs: [y] };
}

/** A feature pyramid over three maps, and a head of two 3 x 3 convolutions on its five levels; width 64, 64 x 64, batch 8. */
function pyramid(): Network {
  const s = new Scope();
  const maps = [64, 32, 16].map((size) => input(`x${size}`, [8, 64, size, size]) as Tensor<"input">);
  const neck = fpn(s.at("fpn"), { inputs: [64, 64, 64], channels: 64 });
  const first = convolutionLayer(s.at("head.0"), 64, 64, { kernel: 3, padding: 1 });
  const second = convolutionLayer(s.at("head.1"), 64, 64, { kernel: 3, padding: 1 });
  const outputs = neck(maps).map((map) => second(relu(first(map))));
  return { about: "FPN and a 3 x 3 head, 64 wide, 64 x 64, batch 8", parameters: s.parameters, inputs: maps, outputs };
}

/** One modulated deformable 3 x 3 convolution, 256 to 256 channels, 100 x 100. */
function deformable(): Network {
  const s = new Scope();
  const weight = s.parameter("weight", [256, 256, 3, 3], (shape, random) =>
    Float32Array.from({ length: count(shape) }, () => (random() - 0.5) / 24),
  );
  const bias = s.parameter("bias", [256]);
  const x = input("x", [1, 256, 100, 100]) as Tensor<"input">;
  const offset = input("offset", [1, 18, 100, 100]) as Tensor<"input">;
  const mask = input("mask", [1, 9, 100, 100]) as Tensor<"input">;
  const y = s.layer(() => deformableConvolution(x, offset, mask, weight, { bias }))();
  return {
    about: "deformable convolution, 256 to 256 channels, 100 x 100",
    parameters: s.parameters,
    inputs: [x, offset, mask],
    outputs: [y],
  };
}

function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
