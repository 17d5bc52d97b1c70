import assert from "node:assert/strict";
import { test } from "node:test";
import { anchorsOfLevel, levelsOf } from "./anchors.ts";
import { readArrays } from "./fixtures/arrays.ts";
import { bestFirst, candidateDetections, finalDetections, rescaleDetections, selectDetections } from "./select.ts";

const golden = readArrays("select.json");
const goldenLevels = [3, 4, 5, 6, 7].map((p) => ({
  logits: golden.floats(`logits.p${p}`),
  offsets: golden.floats(`offsets.p${p}`),
  centerness: golden.floats(`centerness.p${p}`),
  anchors: golden.floats(`anchors.p${p}`),
}));
const goldenOptions = { labelTokens: [[1], [3], [5, 6], [8, 9]], width: 172, height: 128 };

function assertSame(actual: ReturnType<typeof bestFirst>, name: string) {
  const labels = golden.integers(`${name}.labels`);
  const scores = golden.floats(`${name}.scores`);
  const boxes = golden.floats(`${name}.boxes`);
  assert.deepEqual(
    [...actual.labels],
    [...labels].map((label) => label - 1),
  );
  const worst = (a: Float32Array, b: Float32Array) =>
    a.reduce((most, value, k) => Math.max(most, Math.abs(value - b[k]!)), 0);
  assert.ok(worst(actual.scores, scores) < 1e-6);
  assert.ok(worst(actual.boxes, boxes) < 1e-4);
}

test("the reference's outputs give the reference's detections in its order", () => {
  assertSame(bestFirst(selectDetections(goldenLevels, goldenOptions)), "final_sorted");
});

test("there are as many candidates as in the reference, the best of a level first", () => {
  const { scores } = candidateDetections(goldenLevels, goldenOptions);
  const expected = golden.floats("pre_nms.scores");
  assert.equal(scores.length, expected.length);
  const sorted = expected.toSorted();
  scores.toSorted().forEach((score, k) => {
    assert.ok(Math.abs(score - sorted[k]!) < 1e-6);
  });
  assert.ok(scores.subarray(0, 148).every((score, k) => k === 0 || score <= scores[k - 1]!));
});

test("made-up outputs give the reference's best six of 100 detections (check vector V10)", () => {
  const fill = (count: number, start: number, scale: number, base = 0) =>
    Float32Array.from({ length: count }, (_, k) => base + scale * Math.sin(0.7 * k + start));
  const levels = levelsOf(256, 320).map((level, l) => {
    const places = level.height * level.width;
    return {
      logits: fill(places * 256, 20 + l, 2, -3),
      offsets: fill(places * 4, l, 0.3),
      centerness: fill(places, 10 + l, 1),
      anchors: anchorsOfLevel(level),
    };
  });
  const options = { labelTokens: [[1], [3, 4], [6], [8]], width: 312, height: 240 };
  const { boxes, scores, labels } = bestFirst(selectDetections(levels, options));
  assert.equal(scores.length, 100);
  const found = Array.from({ length: 6 }, (_, k) => {
    const box = [...boxes.subarray(4 * k, 4 * k + 4)].map((value) => Number(value.toFixed(3)));
    return [Number(scores[k]!.toFixed(5)), labels[k]! + 1, ...box];
  });
  assert.deepEqual(found, [
    [0.44329, 1, 115.838, 37.49, 175.972, 101.344],
    [0.44322, 3, 171.924, 181.421, 231.97, 239],
    [0.44297, 4, 235.551, 0, 296.012, 37.069],
    [0.44259, 1, 219.673, 117.617, 279.989, 181.191],
    [0.44245, 1, 5.734, 93.988, 130.826, 216.17],
    [0.4423, 4, 19.389, 61.816, 80.057, 124.897],
  ]);
});

test("the largest probability of a label's tokens scores at least as high as their mean", () => {
  const mean = candidateDetections(goldenLevels, goldenOptions);
  const most = candidateDetections(goldenLevels, { ...goldenOptions, aggregation: "max" });
  assert.ok(most.scores.length >= mean.scores.length);
});

test("labels rejected without an exponential are also rejected by reading every logit", () => {
  const { logits, centerness } = goldenLevels[0]!;
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  let plain = 0;
  for (let anchor = 0; anchor < centerness.length; anchor++) {
    for (const tokens of goldenOptions.labelTokens) {
      const sum = tokens.reduce((total, token) => total + sigmoid(logits[12 * anchor + token]!), 0);
      if (sum / tokens.length > 0.05) plain++;
    }
  }
  assert.equal(candidateDetections([goldenLevels[0]!], goldenOptions).scores.length, plain);
});

test("a label without tokens finds nothing and does not affect others", () => {
  const options = { ...goldenOptions, labelTokens: [...goldenOptions.labelTokens, []] };
  assertSame(bestFirst(selectDetections(goldenLevels, options)), "final_sorted");
});

test("detections that share the last score are all kept", () => {
  const apart = Float32Array.of(0, 0, 9, 9, 20, 0, 29, 9, 40, 0, 49, 9);
  const tied = { boxes: apart, scores: Float32Array.of(0.5, 0.4, 0.4), labels: new Int32Array(3) };
  assert.deepEqual([...finalDetections(tied, { limit: 2 }).scores], [0.5, 0.4, 0.4].map(Math.fround));
  assert.equal(finalDetections(tied, { limit: 1 }).scores.length, 1);
});

test("rescaling multiplies by the ratios and adds nothing", () => {
  const one = { boxes: Float32Array.of(1, 2, 3, 4), scores: Float32Array.of(1), labels: new Int32Array(1) };
  assert.deepEqual([...rescaleDetections(one, { x: 2, y: 10 }).boxes], [2, 20, 6, 40]);
});

test("no candidates give no detections", () => {
  const { scores } = selectDetections(goldenLevels, { ...goldenOptions, threshold: 0.999 });
  assert.equal(scores.length, 0);
});
