import assert from "node:assert/strict";
import { test } from "node:test";
import { clip } from "./clip/clip.ts";
import { clipPresets } from "./clip/clip-presets.ts";
import {
  configFile,
  detectorFamilies,
  detectorTypes,
  families,
  familyOfTensors,
  modelTypes,
  typeOfRecipe,
  wantCapability,
} from "./families.ts";
import { glip } from "./glip/glip.ts";
import { glipPresets } from "./glip/glip-presets.ts";
import { regionClip } from "./region-clip/region-clip.ts";
import { readConfigFile, recipeModelSchema } from "./schemas.ts";

const read = (file: object) => readConfigFile(JSON.stringify(file), "m/config.json");
const head = { backbone: "mobilenet-v2", channels: 16, groups: 4, steps: 1 };

test("a configuration is written under its family's key and read back unchanged", () => {
  const configs = {
    "groundling-glip": glipPresets.nano,
    "groundling-glip-v2": {
      ...glipPresets.nano,
      contrast: { width: 64, regions: "c4" },
      heads: { maskedWords: true, masks: true, captions: true },
      answers: ["yes", "no"],
    },
    "groundling-dynamic-head": { ...head, classes: ["dog"] },
  };
  assert.deepEqual(Object.keys(configs).sort(), [...detectorTypes].sort());
  for (const type of detectorTypes)
    assert.deepEqual(read(configFile(type, configs[type])), { type, config: configs[type] });
  assert.deepEqual(Object.keys(configFile("groundling-glip", {})), ["model_type", "glip"]);
});

test("an unknown type or a wrong value in a file is reported with its place", () => {
  const refused = (file: object, message: RegExp) => assert.throws(() => read(file), { name: "WeightsError", message });
  refused({ model_type: "groundling-other" }, /^m\/config\.json: [\s\S]*"groundling-glip"[\s\S]*at model_type/);
  refused({ glip: glipPresets.nano }, /at model_type/);
  refused(configFile("groundling-glip", { ...glipPresets.nano, channels: 0 }), /at glip\.channels/);
  const twice = { ...glipPresets.nano, heads: {}, answers: ["yes", "yes"] };
  refused(configFile("groundling-glip-v2", twice), /has an answer twice[\s\S]*at glip_v2\.answers/);
  refused({ model_type: "clip", text_config: { num_attention_heads: 0 } }, /at text_config\.num_attention_heads/);
});

test("a recipe's model is a GLIP unless its kind says otherwise", () => {
  assert.equal(typeOfRecipe(recipeModelSchema.parse(glipPresets.nano)), "groundling-glip");
  assert.equal(typeOfRecipe(recipeModelSchema.parse({ ...glipPresets.nano, kind: "glip" })), "groundling-glip");
  assert.equal(typeOfRecipe(recipeModelSchema.parse({ ...head, kind: "dynamic-head" })), "groundling-dynamic-head");
  assert.throws(() => recipeModelSchema.parse({ ...head, kind: "other" }));
});

test("the fixed classes of a recipe are the classes of its data, unless the recipe has a list", async () => {
  const { completed } = detectorFamilies["groundling-dynamic-head"];
  const found = async () => ["dog", "cat"];
  assert.deepEqual(await completed!({ ...head, kind: "dynamic-head" }, found), {
    ...{ ...head, kind: "dynamic-head", classes: ["dog", "cat"] },
  });
  assert.deepEqual(await completed!({ ...head, kind: "dynamic-head", classes: ["cup"] }, found), {
    ...{ ...head, kind: "dynamic-head", classes: ["cup"] },
  });
});

test("published checkpoints are told apart by their tensors", () => {
  const regions = { embedding: 24, recogniser: { blocks: [1, 1, 1, 1], width: 8, side: 3 }, boxOutputs: 4 } as const;
  const made = {
    "groundling-glip": glip(glipPresets.nano).parameters,
    clip: clip(clipPresets["nano-rn"]).parameters,
    "groundling-region-clip": regionClip(regions).parameters,
  };
  assert.deepEqual(Object.keys(made).sort(), modelTypes.filter((type) => families[type].published).sort());
  for (const [type, parameters] of Object.entries(made))
    assert.equal(familyOfTensors(new Map(parameters.map((one) => [one.name, one])), "model.pth"), type);
  assert.throws(() => familyOfTensors(new Map([["fc.weight", { shape: [1] }]]), "model.pth"), {
    name: "WeightsError",
    message: /^model\.pth: not a checkpoint of GLIP, RegionCLIP or CLIP: its first tensor is fc\.weight;/,
  });
});

test("a file of region proposals alone says what it goes with", () => {
  const entries = new Map([["proposal_generator.rpn_head.objectness_logits.weight", { shape: [3, 256, 1, 1] }]]);
  const { configOf } = families[familyOfTensors(entries, "rpn.pth")].published!;
  assert.throws(() => configOf(entries, "rpn.pth"), { name: "WeightsError", message: /^rpn\.pth: holds only region/ });
});

test("a command that a family lacks is refused with the commands that it has", () => {
  wantCapability("clip", "embed", "model.pt");
  assert.throws(() => wantCapability("clip", "ground", "model.pt"), {
    name: "WeightsError",
    message:
      "model.pt: is a CLIP model, but groundling ground needs a GLIP or GLIPv2 model; use it with groundling classify, groundling embed or groundling regions, or give another model",
  });
});
