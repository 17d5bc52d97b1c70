import assert from "node:assert/strict";
import { test } from "node:test";
import { formulaWeight, hash } from "./formula-weights.ts";

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
  test(`${name} holds the check values of the formula`, () => {
    assert.equal(hash(name), hashed);
    const numbers = formulaWeight(name, shape, seed);
    first.forEach((value, i) => {
      assert.equal(numbers[i], Math.fround(value));
    });
    assert.equal(numbers.at(-1), Math.fround(last));
  });
