import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate } from "../../onnx/index.ts";
import { countOf, input } from "../../tensor/index.ts";
import { clipZoo } from "../../weights/clip-zoo.ts";
import { runningStatistics } from "../parts/normed-convolution.ts";
import { clip } from "./clip.ts";
import { clipPresets } from "./clip-presets.ts";
import { checkedClipSizes } from "./clip-sizes.ts";
import { inferClipConfig } from "./infer-clip-config.ts";
import { endPlaces } from "./text-encoder.ts";

/** Tensors and parameters of OpenAI's own models, counted by instantiating them; counters of batch norms are tensors, too. */
const published = {
  rn50: { tensors: 489, visual: 339, parameters: 102_007_137 },
  rn50x4: { tensors: 669, visual: 519, parameters: 178_300_601 },
  "vit-b32": { tensors: 302, visual: 152, parameters: 151_277_313 },
} as const;

for (const [name, expected] of Object.entries(published))
  test(`${name} has as many tensors and parameters as OpenAI's`, () => {
    const { parameters } = clip(clipPresets[name as keyof typeof published]);
    const counters = parameters.filter((one) => one.name.endsWith(".running_var"));
    const visual = parameters.filter((one) => one.name.startsWith("visual."));
    const trained = parameters.filter((one) => !runningStatistics.test(one.name));
    assert.deepEqual(
      {
        tensors: parameters.length + counters.length,
        visual: visual.length + counters.length,
        parameters: trained.reduce((sum, { shape }) => sum + countOf(shape), 0),
      },
      expected,
    );
  });

test("named models have the documented numbers of parameters", () => {
  for (const [name, told] of Object.entries(clipZoo)) {
    const { parameters } = clip(clipPresets[name.replace("clip-", "") as keyof typeof clipPresets]);
    const trained = parameters.filter((one) => !runningStatistics.test(one.name));
    assert.equal(
      trained.reduce((sum, { shape }) => sum + countOf(shape), 0),
      told.parameters,
      name,
    );
  }
});

test("every published configuration is inferred from its tensors", () => {
  for (const [name, config] of Object.entries(clipPresets)) {
    const entries = new Map(clip(config).parameters.map((one) => [one.name, one]));
    const inferred = inferClipConfig(entries, name);
    assert.deepEqual(inferred, config);
    assert.equal(checkedClipSizes(inferred, name), inferred);
  }
});

test("tensors of another model are refused with a missing name", () => {
  assert.throws(() => inferClipConfig(new Map(), "file.pt"), {
    name: "WeightsError",
    message: /^file\.pt: not a CLIP checkpoint: there is no token_embedding\.weight/,
  });
});

test("the end of a text is its largest token id, the first of equal ones", () => {
  assert.deepEqual(endPlaces(BigInt64Array.of(8n, 1n, 9n, 9n, 8n, 9n, 0n, 0n), 4), BigInt64Array.of(2n, 5n));
});

test("tokens after a text's end have no effect, and a shorter row gives the same vector", async () => {
  const model = clip(clipPresets["nano-vit"]);
  let state = 7;
  const uniform = () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x80000000;
  };
  const weights = new Map(model.parameters.map(({ name, shape, initialise }) => [name, initialise(shape, uniform)]));
  const vectorOf = async (ids: number[]) => {
    const row = BigInt64Array.from(ids, BigInt);
    const vector = model.text(input("ids", [1, ids.length], "int64"), input("ends", [1], "int64"));
    return (await evaluate({ vector }, { ids: row, ends: endPlaces(row, ids.length) }, { weights })).vector;
  };
  const short = await vectorOf([998, 5, 6, 999]);
  const long = await vectorOf([998, 5, 6, 999, 0, 0, 17]);
  const other = await vectorOf([998, 5, 7, 999]);
  const apart = (a: Float32Array, b: Float32Array) => Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
  assert.ok(apart(short, long) < 1e-6);
  assert.ok(apart(short, other) > 1e-3);
});
