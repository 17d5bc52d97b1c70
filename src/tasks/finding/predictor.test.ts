import assert from "node:assert/strict";
import { test } from "node:test";
import { tinyModel } from "../grounding/fixtures/tiny-model.ts";
import { Predictor } from "./predictor.ts";

const { model, weights } = tinyModel();

function prepared(height: number, width: number) {
  const tensor = Float32Array.from({ length: 3 * height * width }, (_, i) => Math.sin(0.3 * i));
  return { tensor, width, height, paddedWidth: width, paddedHeight: height };
}

test("features of pictures and words are computed once and combined in the head at any size", async () => {
  const predictor = new Predictor(model, weights, { threads: 1 });
  const words = await predictor.text(Int32Array.of(101, 5, 6, 102));
  assert.equal(words.tokens, 4);
  assert.equal(words.vectors.length, 4 * 16);
  for (const [height, width] of [
    [64, 96],
    [96, 64],
    [32, 32],
  ] as const) {
    const levels = await predictor.answer(await predictor.image(prepared(height, width)), words);
    assert.equal(levels.length, 5);
    for (const { logits, offsets, centerness, anchors } of levels) {
      assert.equal(anchors.length, 4 * centerness.length);
      assert.equal(offsets.length, 4 * centerness.length);
      assert.equal(logits.length, 4 * centerness.length);
      assert.ok(logits.every(Number.isFinite));
    }
  }
  await predictor.dispose();
});
