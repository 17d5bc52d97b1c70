import assert from "node:assert/strict";
import { test } from "node:test";
import { clipFormula, formulaWeight, hash } from "./formula-weights.ts";

/** Name, shape, seed, hash, the first three numbers and the last. */
const cases: readonly [string, number[], number, bigint, number[], number][] = [
  [
    "backbone.body.patch_embed.proj.weight",
    [96, 3, 4, 4],
    1,
    0xc91b1bc4767c5931n,
    [0.0480180979, -0.113916993, -0.112341106],
    -0.0800397694,
  ],
  [
    "backbone.body.layers.1.blocks.0.norm1.weight",
    [192],
    1,
    0x49a7aeac4dd4341an,
    [1.07432508, 0.955323815, 0.950139701],
    0.971203148,
  ],
  ["rpn.head.dyhead_tower.2.AttnConv.1.bias", [1], 7, 0xf3b455551271311bn, [0.308472782], 0.308472782],
  [
    "language_backbone.body.model.embeddings.word_embeddings.weight",
    [30522, 768],
    1,
    0x4d5daa1068af33dbn,
    [0.00441478938, 0.0117258606, -0.081399411],
    0.0761712193,
  ],
  [
    "rpn.head.dot_product_projection_text.weight",
    [256, 768],
    32,
    0x06887f75d3badd20n,
    [-1.58022523, 0.137700558, 1.43442225],
    0.490366459,
  ],
  ["rpn.head.scales.3.scale", [1], 0, 0xfdd0d70c340a84fdn, [0.81980139], 0.81980139],
];

for (const [name, shape, seed, hashed, first, last] of cases)
  test(`${name} has the check values of the formula`, () => {
    assert.equal(hash(name), hashed);
    const numbers = formulaWeight(name, shape, seed);
    first.forEach((value, i) => {
      assert.equal(numbers[i], Math.fround(value));
    });
    assert.equal(numbers.at(-1), Math.fround(last));
  });

/** The same for the table of CLIP and RegionCLIP. */
const clipCases: typeof cases = [
  [
    "visual.conv1.weight",
    [32, 3, 3, 3],
    1,
    0xaf6e9c46e8876164n,
    [-0.20241107, -0.148178905, 0.0853328407],
    -0.103755549,
  ],
  [
    "backbone.layer3.5.bn3.weight",
    [1024],
    1,
    0xeadcce9223875f9cn,
    [0.325362504, 0.317508221, 0.309103727],
    0.462167203,
  ],
  [
    "backbone.layer1.0.downsample.1.running_var",
    [256],
    1,
    0x6fc0714c9c5f466an,
    [1.15423262, 1.11428094, 1.23319805],
    1.18098247,
  ],
  ["text_projection", [512, 1024], 1, 0x1590cc42d70bb056n, [0.0154432161, 0.00411063898, -0.0158555321], 0.0672033653],
  [
    "transformer.resblocks.11.attn.in_proj_bias",
    [1536],
    4,
    0x6ef8230840821b4en,
    [0.0838286877, 0.07371521, -0.0081755165],
    -0.0808819756,
  ],
  ["visual.proj", [768, 512], 6, 0x379d870311ac6766n, [0.0108520314, -0.0274338499, 0.0341514573], -0.0216691718],
];

for (const [name, shape, seed, hashed, first, last] of clipCases)
  test(`${name} has the check values of CLIP's formula`, () => {
    assert.equal(hash(name), hashed);
    const numbers = formulaWeight(name, shape, seed, clipFormula);
    first.forEach((value, i) => {
      assert.equal(numbers[i], Math.fround(value));
    });
    assert.equal(numbers.at(-1), Math.fround(last));
  });
