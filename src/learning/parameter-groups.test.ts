import assert from "node:assert/strict";
import { test } from "node:test";
import { glipGroupRules, parameterGroups } from "./parameter-groups.ts";

const names = [
  "backbone.body.layers.0.blocks.0.attn.relative_position_bias_table",
  "backbone.body.patch_embed.proj.weight",
  "language_backbone.body.model.encoder.layer.0.output.dense.weight",
  "language_backbone.body.model.encoder.layer.0.output.dense.bias",
  "rpn.head.bias_lang",
  "rpn.head.cls_logits.weight",
];

test("GLIP's groups double the rate of biases, and give text and image backbones their own", () => {
  const rules = glipGroupRules(names, { languageLearningRate: 1e-5, bodyFactor: 0.5 });
  const settings = parameterGroups(names, { learningRate: 1e-4, weightDecay: 0.05, rules });
  assert.deepEqual(
    names.map((name) => settings.get(name)),
    [
      { learningRate: 1e-4 * 0.5 * 2, weightDecay: 0, frozen: false },
      { learningRate: 0.5e-4, weightDecay: 0.05, frozen: false },
      { learningRate: 1e-5, weightDecay: 0.05, frozen: false },
      { learningRate: 2e-5, weightDecay: 0, frozen: false },
      { learningRate: 2e-4, weightDecay: 0, frozen: false },
      { learningRate: 1e-4, weightDecay: 0.05, frozen: false },
    ],
  );
});

test("a later rule unfreezes what an earlier one froze", () => {
  const rules = [
    { pattern: "rpn", frozen: true },
    { pattern: /bias_lang$/, frozen: false },
  ];
  const settings = parameterGroups(names, { learningRate: 1, weightDecay: 0, rules });
  assert.deepEqual(
    names.filter((name) => settings.get(name)!.frozen),
    ["rpn.head.cls_logits.weight"],
  );
});

test("rules that touch no parameter are all named", () => {
  const rules = [{ pattern: "languge", frozen: true }, { pattern: "rpn" }, { pattern: /fpn/ }];
  assert.throws(() => parameterGroups(names, { learningRate: 1, weightDecay: 0, rules }), {
    name: "RecipeError",
    message: "parameter groups: no parameter's name matches\n  languge\n  /fpn/",
  });
});
