import assert from "node:assert/strict";
import { test } from "node:test";
import { rankOf, retrievalRanks, topRanks, weightedRanks } from "./ranking.ts";

test("a rank counts higher scores, and equal scores that come earlier", () => {
  const scores = [0.5, 0.9, 0.5, 0.1];
  assert.deepEqual(
    scores.map((_, own) => rankOf(scores, own)),
    [1, 0, 2, 3],
  );
});

test("top-1 and top-5 are shares of photos, or of their weights", () => {
  const score = weightedRanks(topRanks([0, 4, 5, 1]));
  assert.deepEqual(score(Float64Array.of(1, 1, 1, 1)), { "top-1": 0.25, "top-5": 0.75 });
  assert.deepEqual(score(Float64Array.of(3, 0, 1, 0)), { "top-1": 0.75, "top-5": 0.75 });
  assert.deepEqual(score(new Float64Array(4)), { "top-1": -1, "top-5": -1 });
});

test("a photo is found by any of its captions, and each caption looks for its photo", () => {
  // Photo 0 has captions 0 and 1, photo 1 has caption 2.
  const similarity = [Float64Array.of(0.1, 0.8, 0.9), Float64Array.of(0.3, 0.2, 0.7)];
  const score = weightedRanks(retrievalRanks(similarity, [0, 0, 1]));
  const found = score(Float64Array.of(1, 1));
  // By photo: caption 1 of photo 0 is second, caption 2 of photo 1 is first. By caption: second, first, second.
  assert.equal(found["image to text R@1"], 1 / 2);
  assert.equal(found["image to text R@5"], 1);
  assert.equal(found["text to image R@1"], 1 / 3);
  assert.equal(found["text to image R@5"], 1);
  assert.deepEqual(Object.keys(found).slice(0, 3), ["image to text R@1", "image to text R@5", "image to text R@10"]);
  // Captions count as often as their photo.
  assert.equal(score(Float64Array.of(2, 1))["text to image R@1"], 2 / 5);
});
