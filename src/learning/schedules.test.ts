import assert from "node:assert/strict";
import { test } from "node:test";
import { cosine, multiStep, weightDecaySteps, withWarmup } from "./schedules.ts";

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} against ${expected}`);
}

test("GLIP's schedule warms up over 2000 steps and falls at 67 and 89 percent", () => {
  const schedule = withWarmup(multiStep({ totalSteps: 10000, milestones: [0.67, 0.89] }), { steps: 2000 });
  near(schedule(0), 0.001);
  near(schedule(1000), 0.5005);
  near(schedule(2000), 1);
  near(schedule(6699), 1);
  near(schedule(6700), 0.1);
  near(schedule(8900), 0.01);
});

test("milestones of 1 and more are steps", () => {
  const schedule = multiStep({ totalSteps: 100, milestones: [3, 0.5], gamma: 0.5 });
  assert.deepEqual([2, 3, 49, 50].map(schedule), [1, 0.5, 0.5, 0.25]);
});

test("milestones that are not in increasing order are refused", () => {
  assert.throws(() => multiStep({ totalSteps: 100, milestones: [80, 0.5] }), {
    name: "RecipeError",
    message: /80, 0.5/,
  });
});

test("weight decay falls at two thirds of the way to each milestone", () => {
  const schedule = weightDecaySteps({ totalSteps: 1000, milestones: [0.67, 0.89] });
  near(schedule(446), 1);
  near(schedule(447), 0.1);
  near(schedule(593), 0.1);
  near(schedule(594), 0.01);
});

test("a cosine ends at its minimum and stays there", () => {
  const schedule = cosine({ totalSteps: 10, floor: 0.1 });
  near(schedule(0), 1);
  near(schedule(5), 0.55);
  near(schedule(10), 0.1);
  near(schedule(20), 0.1);
});
