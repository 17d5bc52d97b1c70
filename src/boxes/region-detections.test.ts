import assert from "node:assert/strict";
import { test } from "node:test";
import { onOriginal, type RegionOptions, regionCandidates, suppressRegions } from "./region-detections.ts";

const options: RegionOptions = {
  height: 100,
  width: 100,
  threshold: 0.1,
  topK: 10,
  suppression: { kind: "hard", overlap: 0.5 },
};
/** Logits of probabilities; the background is the last. */
const logitsOf = (...rows: number[][]) => Float32Array.from(rows.flat(), Math.log);
const boxes = Float32Array.of(0, 0, 10, 10, 0, 0, 10, 9, 50, 50, 60, 60);
const round = (numbers: Float32Array) => [...numbers].map((value) => Math.round(1000 * value) / 1000);

test("every class above the threshold is a candidate, but not the background", () => {
  const logits = logitsOf([0.5, 0.3, 0.2], [0.05, 0.05, 0.9], [0.2, 0.7, 0.1]);
  const found = regionCandidates({ boxes, logits, classes: 2 }, options);
  assert.deepEqual([...found.regions], [0, 0, 2, 2]);
  assert.deepEqual([...found.labels], [0, 1, 0, 1]);
  assert.deepEqual(round(found.scores), [0.5, 0.3, 0.2, 0.7]);
});

test("fused with raw logits, proposals below zero are dropped and scores may exceed 1; with probabilities none is dropped", () => {
  const logits = logitsOf([0.9, 0.1], [0.9, 0.1], [0.9, 0.1]);
  const objectness = Float32Array.of(4, -0.1, 0);
  const answers = { boxes, logits, classes: 1, objectness };
  const raw = regionCandidates(answers, { ...options, fusion: "logit" });
  assert.deepEqual([[...raw.regions], round(raw.scores)], [[0], [1.897]]);
  const shares = regionCandidates(answers, { ...options, fusion: "sigmoid" });
  assert.deepEqual(round(shares.scores), [0.94, 0.654, 0.671]);
});

test("each class can have its own boxes", () => {
  const deltas = new Float32Array(3 * 2 * 4);
  deltas[4] = 10;
  const logits = logitsOf([0.5, 0.4, 0.1], [0.01, 0.01, 0.98], [0.01, 0.01, 0.98]);
  const found = regionCandidates({ boxes, logits, classes: 2, deltas }, options);
  assert.deepEqual([...found.boxes], [0, 0, 10, 10, 10, 0, 20, 10]);
});

test("suppression is within a class, best first, at most top k", () => {
  const logits = logitsOf([0.5, 0.3, 0.2], [0.6, 0.2, 0.2], [0.2, 0.7, 0.1]);
  const candidates = regionCandidates({ boxes, logits, classes: 2 }, options);
  const found = suppressRegions(candidates, options);
  assert.deepEqual(
    [[...found.regions], [...found.labels]],
    [
      [2, 1, 0, 2],
      [1, 0, 1, 0],
    ],
  );
  assert.deepEqual([...suppressRegions(candidates, { ...options, topK: 1 }).regions], [2]);
});

test("soft suppression multiplies scores by exp(-overlap² / sigma) and keeps those above the minimum", () => {
  const logits = logitsOf([0.6, 0.4], [0.5, 0.5], [0.3, 0.7]);
  const candidates = regionCandidates({ boxes, logits, classes: 1 }, options);
  const soft = { ...options, suppression: { kind: "soft", sigma: 0.5, least: 0.001 } } as const;
  const found = suppressRegions(candidates, soft);
  assert.deepEqual([...found.regions], [0, 2, 1]);
  assert.deepEqual(round(found.scores), [0.6, 0.3, Math.round(1000 * 0.5 * Math.exp(-0.81 / 0.5)) / 1000]);
  const strict = { ...soft, suppression: { ...soft.suppression, least: 0.2 } };
  assert.deepEqual([...suppressRegions(candidates, strict).regions], [0, 2]);
});

test("detections are converted to pixels of the original picture", () => {
  const logits = logitsOf([0.9, 0.1], [0.01, 0.99], [0.9, 0.1]);
  const candidates = regionCandidates({ boxes, logits, classes: 1 }, options);
  const found = onOriginal(candidates, options, { height: 50, width: 200 });
  assert.deepEqual([...found.boxes], [0, 0, 20, 5, 100, 25, 120, 30]);
});
