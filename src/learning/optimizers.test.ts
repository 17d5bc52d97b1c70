import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { AdamW } from "./adamw.ts";
import { clipFactor, globalNorm } from "./clip.ts";
import type { NamedArrays, Optimizer } from "./optimizer.ts";
import { type ParameterSetting, parameterGroups } from "./parameter-groups.ts";
import { Sgd } from "./sgd.ts";

type Arrays = Record<string, number[]>;
interface Trace {
  norms: number[];
  gradients: Arrays[];
  weights: Arrays[];
}
interface Fixture {
  start: Arrays;
  groups: Record<string, [number, number]>;
  factors: number[];
  clip: number;
  adamw: Trace;
  adamw_clipped: Trace;
  sgd: Trace;
}

const fixture = JSON.parse(readFileSync(new URL("./fixtures/optimizers.json", import.meta.url), "utf8")) as Fixture;

test("AdamW follows PyTorch over 20 steps with groups and a changing learning rate", async () => {
  await follow(new AdamW(settings()), fixture.adamw);
});

test("AdamW with clipped gradients follows PyTorch over 20 steps", async () => {
  await follow(new AdamW(settings()), fixture.adamw_clipped, fixture.clip);
});

test("SGD with momentum and decay follows PyTorch over 20 steps", async () => {
  await follow(new Sgd(settings()), fixture.sgd);
});

for (const [name, make] of [
  ["AdamW", () => new AdamW(settings())],
  ["SGD", () => new Sgd(settings())],
] as const) {
  test(`${name} restored after 7 steps continues in the same bits`, () => {
    const whole = numbers(fixture.start);
    const steady = make();
    for (let step = 0; step < 20; step++) steady.step(whole, gradientsAt(step));

    const parted = numbers(fixture.start);
    const before = make();
    for (let step = 0; step < 7; step++) before.step(parted, gradientsAt(step));
    const state = structuredClone(before.save());
    before.step(numbers(fixture.start), gradientsAt(7));
    const after = make();
    after.restore(state);
    for (let step = 7; step < 20; step++) after.step(parted, gradientsAt(step));

    assert.deepEqual(parted, whole);
    assert.deepEqual(after.save(), steady.save());
  });

  test(`${name} leaves frozen parameters and those without a gradient as they are`, () => {
    const weights = numbers(fixture.start);
    const gradients = gradientsAt(0);
    gradients.delete("layer.bias");
    gradients.set("frozen.weight", new Float32Array(5).fill(1));
    make().step(weights, gradients);
    const start = numbers(fixture.start);
    assert.deepEqual(weights.get("frozen.weight"), start.get("frozen.weight"));
    assert.deepEqual(weights.get("layer.bias"), start.get("layer.bias"));
    assert.notDeepEqual(weights.get("layer.weight"), start.get("layer.weight"));
  });

  test(`${name} names every gradient that does not fit`, () => {
    const gradients: NamedArrays = new Map([
      ["layer.weight", new Float32Array(3)],
      ["stranger", new Float32Array(1)],
    ]);
    assert.throws(() => make().step(numbers(fixture.start), gradients), {
      name: "WeightsError",
      message:
        "gradients do not fit the weights:\n  size        layer.weight: weight 12, gradient 3\n  no weight   stranger",
    });
  });

  test(`${name} refuses a state of parameters that it does not have`, () => {
    const state = {
      "first/x": new Float32Array(1),
      "second/x": new Float32Array(2),
      "velocity/x": new Float32Array(1),
    };
    assert.throws(() => make().restore(state), { name: "WeightsError", message: /\bx\b/ });
  });
}

test("the norm of a gradient that is not finite is not finite", async () => {
  assert.ok(Number.isNaN(await globalNorm(new Map([["a", Float32Array.of(1, Number.NaN)]]))));
  assert.equal(clipFactor(0.5, 1), 1);
});

async function follow(optimizer: Optimizer, trace: Trace, clip?: number): Promise<void> {
  const weights = numbers(fixture.start);
  for (const [step, factor] of fixture.factors.entries()) {
    const gradients = numbers(trace.gradients[step]!);
    let gradient = 1;
    if (clip !== undefined) {
      const norm = await globalNorm(gradients);
      assert.ok(Math.abs(norm / trace.norms[step]! - 1) < 1e-6);
      gradient = clipFactor(norm, clip);
    }
    optimizer.step(weights, gradients, { learningRate: factor, gradient });
    for (const [name, expected] of Object.entries(trace.weights[step]!)) {
      const scale = Math.max(...expected.map(Math.abs));
      const actual = weights.get(name)!;
      expected.forEach((value, i) => {
        const error = Math.abs(actual[i]! - value) / scale;
        assert.ok(error < 1e-6, `step ${step} ${name}[${i}]: ${actual[i]} against ${value}`);
      });
    }
  }
  assert.deepEqual(weights.get("frozen.weight"), numbers(fixture.start).get("frozen.weight"));
}

function settings(): Map<string, ParameterSetting> {
  const rules = Object.entries(fixture.groups).map(([name, [learningRate, weightDecay]]) => ({
    pattern: name,
    learningRate,
    weightDecay,
  }));
  return parameterGroups(Object.keys(fixture.start), {
    learningRate: 1,
    weightDecay: 1,
    rules: [...rules, { pattern: /^frozen/, frozen: true }],
  });
}

function gradientsAt(step: number): NamedArrays {
  return numbers(fixture.sgd.gradients[step]!);
}

function numbers(arrays: Arrays): NamedArrays {
  return new Map(Object.entries(arrays).map(([name, values]) => [name, Float32Array.from(values)]));
}
