import assert from "node:assert/strict";
import { test } from "node:test";
import { ShapeError } from "../errors.ts";
import { evaluate } from "../onnx/index.ts";
import { constant, input, relu } from "../tensor/index.ts";
import { convolutionLayer, embeddingLayer, groupNormLayer, layerNormLayer, linear } from "./layers.ts";
import { Scope } from "./scope.ts";

test("parameters are listed in their order under the keys of a checkpoint", () => {
  const s = new Scope();
  linear(s.at("blocks").at(0).at("mlp.fc1"), 4, 8);
  linear(s.at("blocks.1"), 8, 2, { bias: "none" });
  convolutionLayer(s.at("stem"), 3, 6, { kernel: 5 });
  groupNormLayer(s.at("norm"), 6, 2);
  assert.deepEqual(
    s.parameters.map(({ name, shape }) => `${name} ${shape}`),
    [
      "blocks.0.mlp.fc1.weight 8,4",
      "blocks.0.mlp.fc1.bias 8",
      "blocks.1.weight 2,8",
      "stem.weight 6,3,5,5",
      "stem.bias 6",
      "norm.weight 6",
      "norm.bias 6",
    ],
  );
});

test("a name can be declared only once", () => {
  const s = new Scope();
  linear(s.at("head"), 2, 2);
  assert.throws(() => linear(s.at("head"), 2, 2), /parameter head\.weight is declared twice/);
});

test("a shape error names its layer", () => {
  const s = new Scope();
  const layer = linear(s.at("rpn.head").at("fc"), 4, 8);
  assert.throws(
    () => layer(input("x", [2, 5])),
    (error) => error instanceof ShapeError && error.scope === "rpn.head.fc" && /\[2, 5\]/.test(error.message),
  );
});

test("intermediates of the last trace are kept by name", () => {
  const s = new Scope();
  const layer = s.layer((x: ReturnType<typeof input>) => s.record("after", relu(x)));
  layer(input("x", [1]));
  const last = layer(input("x", [2]));
  assert.equal(s.records.get("after"), last);
});

test("layers have PyTorch's results and layouts", async () => {
  const s = new Scope();
  const x = constant([1, 2, 3, 6], [2, 2]);
  const product = linear(s.at("fc"), 2, 1)(x);
  const norm = layerNormLayer(s.at("norm"), 2)(x);
  const rows = embeddingLayer(s.at("words"), 3, 2).look(constant(BigInt64Array.of(2n, 0n), [2]));
  const weights = new Map([
    ["fc.weight", Float32Array.of(10, 1)],
    ["fc.bias", Float32Array.of(0.5)],
    ["norm.weight", Float32Array.of(1, 2)],
    ["norm.bias", Float32Array.of(0, 1)],
    ["words.weight", Float32Array.of(1, 2, 3, 4, 5, 6)],
  ]);
  const found = await evaluate({ product, norm, rows }, {}, { weights });
  assert.deepEqual([...found.product], [12.5, 36.5]);
  [-1, 3, -1, 3].forEach((value, i) => {
    assert.ok(Math.abs(found.norm[i]! - value) < 1e-4);
  });
  assert.deepEqual([...found.rows], [5, 6, 1, 2]);
});
