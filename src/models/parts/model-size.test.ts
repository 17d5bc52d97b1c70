import assert from "node:assert/strict";
import { test } from "node:test";
import { dynamicHeadSchemas } from "../dynamic-head/schemas.ts";
import { glip } from "../glip/glip.ts";
import { glipPresets } from "../glip/glip-presets.ts";
import { glipSchemas } from "../glip/schemas.ts";
import { roughParameters, tooLargeText } from "./model-size.ts";

test("every published configuration is within the limits, and its size is estimated within 20 %", () => {
  for (const [name, config] of Object.entries(glipPresets)) {
    assert.ok(glipSchemas.config.safeParse(config).success, name);
    assert.equal(tooLargeText(config), undefined);
    const count = glip(config).parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    const ratio = roughParameters(config) / count;
    assert.ok(ratio > 0.8 && ratio < 1.2, `${name}: ${ratio}`);
  }
});

test("a configuration that is too large is refused before the model is built", () => {
  const config = Object.values(glipPresets)[0]!;
  const wild = { ...config, bert: { ...config.bert, layers: 100_000_000 } };
  assert.equal(glipSchemas.config.safeParse(wild).success, false);
  assert.equal(glipSchemas.config.safeParse({ ...config, steps: 1e8 }).success, false);
  const wide = { ...glipPresets.nano, backbone: { ...glipPresets.nano.backbone, window: 87 } };
  assert.equal(glipSchemas.config.safeParse(wide).success, false);
  const within = { ...config, bert: { ...config.bert, layers: 128, hiddenSize: 8192, intermediateSize: 65_536 } };
  assert.ok(glipSchemas.config.safeParse(within).success);
  assert.match(tooLargeText(within) ?? "", /about 1\d\d\.\d billion parameters, more than the 4 billion/);
  assert.equal(
    dynamicHeadSchemas.config.safeParse({
      backbone: "mobilenet-v2",
      channels: 1e9,
      groups: 1,
      steps: 1,
      classes: ["a"],
    }).success,
    false,
  );
});
