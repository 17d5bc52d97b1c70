import assert from "node:assert/strict";
import { test } from "node:test";
import { configFile, configFileSchema, families, modelTypes, recipeModelSchema, typeOfRecipe } from "./families.ts";
import { glipPresets } from "./glip/glip-presets.ts";

const head = { backbone: "mobilenet-v2", channels: 16, groups: 4, steps: 1 };

test("a configuration is written under its family's key and read back as it was", () => {
  const configs = { "groundling-glip": glipPresets.nano, "groundling-dynamic-head": { ...head, classes: ["dog"] } };
  assert.deepEqual(Object.keys(configs).sort(), [...modelTypes].sort());
  for (const type of modelTypes)
    assert.deepEqual(configFileSchema.parse(configFile(type, configs[type])), { type, config: configs[type] });
  assert.deepEqual(Object.keys(configFile("groundling-glip", {})), ["model_type", "glip"]);
});

test("a file of an unknown type or with a wrong value says where", () => {
  const wrong = (file: object) => configFileSchema.safeParse(file).error!.issues.map(({ path }) => path.join("."));
  assert.deepEqual(wrong({ model_type: "groundling-other" }), ["model_type"]);
  assert.deepEqual(wrong(configFile("groundling-glip", { ...glipPresets.nano, channels: 0 })), ["glip.channels"]);
});

test("a recipe's model is a GLIP unless its kind says otherwise", () => {
  assert.equal(typeOfRecipe(recipeModelSchema.parse(glipPresets.nano)), "groundling-glip");
  assert.equal(typeOfRecipe(recipeModelSchema.parse({ ...glipPresets.nano, kind: "glip" })), "groundling-glip");
  assert.equal(typeOfRecipe(recipeModelSchema.parse({ ...head, kind: "dynamic-head" })), "groundling-dynamic-head");
  assert.throws(() => recipeModelSchema.parse({ ...head, kind: "other" }));
});

test("fixed classes of a recipe are those of its data, unless it names them itself", async () => {
  const { completed } = families["groundling-dynamic-head"];
  const found = async () => ["dog", "cat"];
  assert.deepEqual(await completed!({ ...head, kind: "dynamic-head" }, found), {
    ...{ ...head, kind: "dynamic-head", classes: ["dog", "cat"] },
  });
  assert.deepEqual(await completed!({ ...head, kind: "dynamic-head", classes: ["cup"] }, found), {
    ...{ ...head, kind: "dynamic-head", classes: ["cup"] },
  });
});
