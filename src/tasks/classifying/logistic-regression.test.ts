import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../data/random.ts";
import { fitLogisticRegression } from "./logistic-regression.ts";

test("two opposite points have the weights of the closed form", async () => {
  const vectors = [Float32Array.of(1), Float32Array.of(-1)];
  const { parameters } = await fitLogisticRegression(vectors, [0, 1], { classes: 2, strength: 1 });
  // By symmetry the weights are (w, -w): the slope of log(1 + exp(-2w)) + w²/2 is 0 where w = 2 / (1 + exp(2w)).
  let [low, high] = [0, 2];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (middle < 2 / (1 + Math.exp(2 * middle))) low = middle;
    else high = middle;
  }
  for (const [i, expected] of [low, -low, 0, 0].entries())
    assert.ok(Math.abs(parameters[i]! - expected) < 1e-4, `${i}: ${parameters[i]} instead of ${expected}`);
});

test("at the end the gradient is zero, computed without the graph", async () => {
  const random = new Random(3, "probe");
  const [n, width, classes, strength] = [60, 5, 3, 0.316];
  const labels = Array.from({ length: n }, (_, i) => i % classes);
  const vectors = labels.map((label) =>
    Float32Array.from({ length: width }, (_, i) => random.unit() * 4 - 2 + (i === label ? 1 : 0)),
  );
  const { parameters, scores } = await fitLogisticRegression(vectors, labels, { classes, strength });
  const slope = parameters.map((value, i) => (i < width * classes ? value / (strength * n) : 0));
  vectors.forEach((vector, row) => {
    const powers = scores(vector).map(Math.exp);
    const sum = powers.reduce((a, b) => a + b, 0);
    powers.forEach((power, k) => {
      const error = (power / sum - Number(labels[row] === k)) / n;
      slope[width * classes + k]! += error;
      vector.forEach((value, i) => {
        slope[i * classes + k]! += error * value;
      });
    });
  });
  assert.ok(Math.max(...slope.map(Math.abs)) < 1e-4, `${slope}`);
});
