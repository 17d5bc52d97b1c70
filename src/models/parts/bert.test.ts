import assert from "node:assert/strict";
import { test } from "node:test";
import { Scope } from "../../nn/index.ts";
import { evaluate } from "../../onnx/index.ts";
import { constant, indices } from "../../tensor/index.ts";
import { assertKnown, waves, waveWeights } from "../fixtures/check-vectors.ts";
import { bert, bertLayer } from "./bert.ts";

test("a layer has the reference's outputs where the mask is one (check vector V5)", async () => {
  const s = new Scope();
  const layer = bertLayer(s, { hiddenSize: 16, heads: 4, intermediateSize: 32, vocabularySize: 0, positions: 0 });
  const weights = waveWeights(s.parameters, 40, 0.2);
  const { out } = await evaluate(
    { out: layer(waves([1, 5, 16], 1), constant([1, 1, 1, 0, 0], [1, 5])) },
    {},
    { weights },
  );
  assertKnown(out.subarray(0, 3 * 16), {
    first: [1.29439, 1.0548, -0.25727],
    last: [-0.10582, 2.48708, 0.71772],
    sum: -0.0107,
    size: 39.436,
  });
});

test("padding does not affect the words before it", async () => {
  const s = new Scope();
  const config = { hiddenSize: 8, layers: 2, heads: 2, intermediateSize: 16, vocabularySize: 10, positions: 6 };
  const read = bert(s, config);
  const weights = waveWeights(s.parameters, 3, 0.3);
  const ids = [2, 7, 4, 3];
  const bare = read(indices(ids, [1, 4]), constant([1, 1, 1, 1], [1, 4]));
  const padded = read(indices([...ids, 0, 0], [1, 6]), constant([1, 1, 1, 1, 0, 0], [1, 6]));
  const out = await evaluate({ bare, padded }, {}, { weights });
  out.bare.forEach((value, i) => {
    assert.ok(Math.abs(value - out.padded[i]!) < 1e-6);
  });
});
