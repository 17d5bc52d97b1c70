import assert from "node:assert/strict";
import { test } from "node:test";
import { WeightsError } from "../../errors.ts";
import { countOf, type Shape } from "../../tensor/index.ts";
import { glip } from "./glip.ts";
import { glipPresets } from "./glip-presets.ts";
import { inferConfig } from "./infer-config.ts";

interface Published {
  embed: number;
  depths: number[];
  heads: number[];
  window: number;
  steps: number;
  fused: boolean;
  /** Number of values in all parameters, including the head that is never trained. */
  count: number;
}

const tiny = { embed: 96, depths: [2, 2, 6, 2], heads: [3, 6, 12, 24], window: 7, steps: 6 };
const large = { embed: 192, depths: [2, 2, 18, 2], heads: [6, 12, 24, 48], window: 12, steps: 8 };
const published = {
  "glip-t-a": { ...tiny, fused: false, count: 151_430_526 },
  "glip-t": { ...tiny, fused: true, count: 231_780_222 },
  "glip-l": { ...large, fused: true, count: 430_422_384 },
} satisfies Record<string, Published>;
/** 80 outputs in the published files that are never used. */
const UNTRAINED_HEAD = 80 * 256 + 80;

/** The table of the published checkpoints by key (state dict of the reference). */
function publishedTable({ embed, depths, heads, window, steps, fused }: Published): Map<string, Shape> {
  const table = new Map<string, Shape>();
  const put = (name: string, weight: Shape, bias: Shape) => {
    table.set(`${name}.weight`, weight).set(`${name}.bias`, bias);
  };
  const norm = (name: string, width: number) => put(name, [width], [width]);
  const linear = (name: string, inputs: number, outputs: number) => put(name, [outputs, inputs], [outputs]);
  const convolution = (name: string, inputs: number, outputs: number, kernel: number) =>
    put(name, [outputs, inputs, kernel, kernel], [outputs]);
  const bertLayer = (at: string) => {
    for (const part of ["query", "key", "value"]) linear(`${at}.attention.self.${part}`, 768, 768);
    linear(`${at}.attention.output.dense`, 768, 768);
    norm(`${at}.attention.output.LayerNorm`, 768);
    linear(`${at}.intermediate.dense`, 768, 3072);
    linear(`${at}.output.dense`, 3072, 768);
    norm(`${at}.output.LayerNorm`, 768);
  };

  const body = "backbone.body";
  convolution(`${body}.patch_embed.proj`, 3, embed, 4);
  norm(`${body}.patch_embed.norm`, embed);
  depths.forEach((depth, i) => {
    const width = embed * 2 ** i;
    for (let j = 0; j < depth; j++) {
      const at = `${body}.layers.${i}.blocks.${j}`;
      norm(`${at}.norm1`, width);
      table.set(`${at}.attn.relative_position_bias_table`, [(2 * window - 1) ** 2, heads[i]!]);
      linear(`${at}.attn.qkv`, width, 3 * width);
      linear(`${at}.attn.proj`, width, width);
      norm(`${at}.norm2`, width);
      linear(`${at}.mlp.fc1`, width, 4 * width);
      linear(`${at}.mlp.fc2`, 4 * width, width);
    }
    if (i < 3) {
      table.set(`${body}.layers.${i}.downsample.reduction.weight`, [2 * width, 4 * width]);
      norm(`${body}.layers.${i}.downsample.norm`, 4 * width);
    }
    if (i > 0) {
      norm(`${body}.norm${i}`, width);
      convolution(`backbone.fpn.fpn_inner${i + 1}`, width, 256, 1);
      convolution(`backbone.fpn.fpn_layer${i + 1}`, 256, 256, 3);
    }
  });
  for (const p of ["p6", "p7"]) convolution(`backbone.fpn.top_blocks.${p}`, 256, 256, 3);

  const text = "language_backbone.body.model";
  table.set(`${text}.embeddings.word_embeddings.weight`, [30522, 768]);
  table.set(`${text}.embeddings.position_embeddings.weight`, [512, 768]);
  table.set(`${text}.embeddings.token_type_embeddings.weight`, [2, 768]);
  norm(`${text}.embeddings.LayerNorm`, 768);
  for (let i = 0; i < 12; i++) bertLayer(`${text}.encoder.layer.${i}`);

  const head = "rpn.head";
  table.set(`${head}.log_scale`, [1]).set(`${head}.bias0`, [1]).set(`${head}.bias_lang`, [768]);
  for (let k = 0; k < steps; k++) {
    if (fused) {
      const at = `${head}.dyhead_tower.${3 * k}.b_attn`;
      table.set(`${at}.gamma_v`, [256]).set(`${at}.gamma_l`, [768]);
      norm(`${at}.layer_norm_v`, 256);
      norm(`${at}.layer_norm_l`, 768);
      for (const part of ["v_proj", "values_v_proj"]) linear(`${at}.attn.${part}`, 256, 2048);
      for (const part of ["l_proj", "values_l_proj"]) linear(`${at}.attn.${part}`, 768, 2048);
      linear(`${at}.attn.out_v_proj`, 2048, 256);
      linear(`${at}.attn.out_l_proj`, 2048, 768);
      bertLayer(`${head}.dyhead_tower.${3 * k + 1}`);
    }
    const at = `${head}.dyhead_tower.${fused ? 3 * k + 2 : k}`;
    for (let i = 0; i < 3; i++) {
      convolution(`${at}.DyConv.${i}.conv`, 256, 256, 3);
      norm(`${at}.DyConv.${i}.bn`, 256);
    }
    convolution(`${at}.AttnConv.1`, 256, 1, 1);
    linear(`${at}.relu.fc.0`, 256, 64);
    linear(`${at}.relu.fc.2`, 64, 1024);
    convolution(`${at}.offset`, 256, 27, 3);
  }
  convolution(`${head}.bbox_pred`, 256, 4, 1);
  convolution(`${head}.centerness`, 256, 1, 1);
  linear(`${head}.dot_product_projection_text`, 768, 256);
  for (let i = 0; i < 5; i++) table.set(`${head}.scales.${i}.scale`, [1]);
  return table;
}

for (const [name, model] of Object.entries(published)) {
  const preset = glipPresets[name as keyof typeof published];

  test(`${name} has the parameters of the published checkpoint, name by name`, () => {
    const { parameters } = glip(preset);
    const table = [...publishedTable(model)].map(([key, shape]) => `${key} ${shape}`);
    assert.deepEqual(parameters.map((parameter) => `${parameter.name} ${parameter.shape}`).sort(), table.sort());
    const count = parameters.reduce((sum, { shape }) => sum + countOf(shape), 0);
    assert.equal(count + UNTRAINED_HEAD, model.count);
  });

  test(`the configuration of ${name} is read from the shapes of its checkpoint`, () => {
    const entries = new Map([...publishedTable(model)].map(([key, shape]) => [key, { shape }]));
    assert.deepEqual(inferConfig(entries, "model.pth"), { ...preset });
  });
}

test("a checkpoint of another model is refused with its name and a missing tensor", () => {
  const entries = new Map([["conv1.weight", { shape: [64, 3, 7, 7] }]]);
  assert.throws(
    () => inferConfig(entries, "resnet50.pth"),
    (error) =>
      error instanceof WeightsError && /^resnet50\.pth: not a GLIP checkpoint: there is no /.test(error.message),
  );
});
