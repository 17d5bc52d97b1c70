import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { decodePicture } from "../../src/inputs/pictures/picture.ts";
import { CLIP_PIXELS, cropSquare, prepareCrop } from "../../src/inputs/pictures/prepare-crop.ts";
import { filled, imagenetTemplates, regionTemplates, withoutMarks } from "../../src/inputs/words/templates.ts";
import { readClip } from "../../src/tasks/classifying/clip-folder.ts";
import { loadEncoder } from "../../src/tasks/classifying/load-encoder.ts";
import { meanOf, unitVectors } from "../../src/tasks/classifying/unit-vectors.ts";
import { loadModel } from "../../src/tasks/finding/load-model.ts";
import { openWeights } from "../../src/weights/open-weights.ts";
import { type TensorToWrite, writeSafetensors } from "../../src/weights/write-safetensors.ts";
import { Comparison, type Golden, openGolden } from "./golden.ts";
import { type ClipMeta, clipFile, nanoSets, needsClip } from "./golden-clip.ts";

const skip = needsClip;
const folder = mkdtempSync(join(tmpdir(), "groundling-clip-"));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const { name, stem, norms } of nanoSets()) {
  test(`${name}'s pictures are prepared bit for bit`, { skip }, async () => {
    const golden = await openGolden<ClipMeta>(stem);
    const [, , side] = golden.shape("input.image") as [number, number, number];
    const all = await golden.floats("input.image");
    for (const [i, file] of golden.meta.pictures.entries()) {
      const picture = await decodePicture(clipFile(file));
      assert.deepEqual(Array.from(cropSquare(picture, side).data), await golden.integers(`input.rgb.${i}`), file);
      const each = 3 * side * side;
      assert.deepEqual(prepareCrop(picture, { side, ...CLIP_PIXELS }), all.slice(i * each, (i + 1) * each), file);
    }
    await golden.close();
  });

  const forms = { "state dictionary": `${stem}.pt`, "TorchScript archive": `${stem}.jit.pt`, folder };
  for (const [form, path] of Object.entries(forms)) {
    if (form === "folder" && norms) continue;
    test(`${name} loaded from its ${form} embeds and classifies as the reference does`, { skip }, async () => {
      if (form === "folder") await writeHuggingFaceFolder(`${stem}.pt`);
      const golden = await openGolden<ClipMeta>(stem);
      await assert.rejects(loadModel(path), {
        name: "WeightsError",
        message:
          /: is a CLIP model, but groundling detect needs a GLIP, GLIPv2, Dynamic Head or RegionCLIP model; use it with/,
      });
      const encoder = await loadEncoder(path, { threads: 1 });
      try {
        const { pictures, texts, class_names } = golden.meta;
        const comparison = new Comparison();
        const images = await encoder.embedImage(pictures.map(clipFile), { batch: 3 });
        const sentences = await encoder.embedText(texts, { batch: 3 });
        const product = (a: Float32Array[], b: Float32Array[], scale: number) =>
          Float32Array.from(a.flatMap((x) => b.map((y) => scale * encoder.similarity(x, y))));
        await comparison.add(golden, "logits_per_image", product(images, sentences, encoder.scale));
        const names = class_names.map(withoutMarks);
        const classes = await encoder.classVectors(names, { templates: imagenetTemplates });
        await comparison.add(golden, "classes.openai", flat(classes));
        await comparison.add(golden, "classes.openai.logits", product(images, classes, 100));
        const raw = await encoder.textVectors(names.flatMap((one) => regionTemplates.map((t) => filled(t, one))));
        const means = names.map((_, i) => meanOf(raw.slice(81 * i, 81 * (i + 1))));
        await comparison.add(golden, "classes.regionclip", flat(means));
        comparison.finish(4);
        await sameAsFeatures(golden, "image_features", images);
        await sameAsFeatures(golden, "text_features", sentences);
      } finally {
        await encoder.dispose();
        await golden.close();
      }
    });
  }
}

/** Compares unit vectors with the stored features divided by their lengths; the rounding of lengths is below a millionth. */
async function sameAsFeatures(golden: Golden<ClipMeta>, key: string, vectors: Float32Array[]) {
  const expected = unitVectors(await golden.floats(key), vectors[0]!.length);
  expected.forEach((row, i) => {
    row.forEach((value, k) => {
      assert.ok(Math.abs(value - vectors[i]![k]!) < 4e-6, `${key} ${i} ${k}`);
    });
  });
}

function flat(rows: readonly Float32Array[]): Float32Array {
  return Float32Array.from(rows.flatMap((row) => [...row]));
}

/** The set's model as a `CLIPModel` of Hugging Face's library: other names, transposed weights, and separate queries, keys and values. */
async function writeHuggingFaceFolder(path: string) {
  const file = await openWeights(path);
  const tensors: TensorToWrite[] = [];
  const put = (name: string, shape: readonly number[], data: Float32Array) =>
    tensors.push({ name, dtype: "F32", shape, data });
  const blocks = (name: string) => {
    const [, visual, i, rest] = /^(visual\.)?transformer\.resblocks\.(\d+)\.(.*)$/.exec(name) ?? [];
    return rest === undefined
      ? undefined
      : { prefix: `${visual ? "vision" : "text"}_model.encoder.layers.${i}.`, rest };
  };
  for (const { name, shape } of file.entries.values()) {
    const data = await file.readFloat32(name);
    const block = blocks(name);
    const packed = block && /^attn\.in_proj_(weight|bias)$/.exec(block.rest);
    if (packed) {
      const rows = shape[0]! / 3;
      const each = data.length / 3;
      ["q", "k", "v"].forEach((letter, k) => {
        const part = data.slice(k * each, (k + 1) * each);
        put(`${block.prefix}self_attn.${letter}_proj.${packed[1]}`, [rows, ...shape.slice(1)], part);
      });
    } else if (block)
      put(
        block.prefix + blockWords[block.rest.replace(/\.\w+$/, "")] + block.rest.replace(/^.*(\.\w+)$/, "$1"),
        shape,
        data,
      );
    else if (name === "text_projection" || name === "visual.proj") {
      const [rows, columns] = shape as [number, number];
      const turned = data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!);
      put(name === "visual.proj" ? "visual_projection.weight" : "text_projection.weight", [columns, rows], turned);
    } else put(plainWords[name] ?? name, shape, data);
  }
  await file.close();
  await writeSafetensors(join(folder, "model.safetensors"), tensors, { format: "pt" });
  const { config } = await readClip(path);
  const heads = (of: string) => ({ model_type: of, hidden_act: "quick_gelu" });
  const json = (name: string, value: unknown) => writeFileSync(join(folder, name), JSON.stringify(value));
  assert.equal(config.image.kind, "vit");
  const imageHeads = config.image.kind === "vit" ? config.image.heads : 0;
  json("config.json", {
    model_type: "clip",
    architectures: ["CLIPModel"],
    text_config: { ...heads("clip_text_model"), num_attention_heads: config.text.heads },
    vision_config: { ...heads("clip_vision_model"), num_attention_heads: imageHeads },
  });
  const { mean, deviation } = CLIP_PIXELS;
  json("preprocessor_config.json", { crop_size: config.image.resolution, image_mean: mean, image_std: deviation });
}

const blockWords: Readonly<Record<string, string>> = {
  "attn.out_proj": "self_attn.out_proj",
  ln_1: "layer_norm1",
  ln_2: "layer_norm2",
  "mlp.c_fc": "mlp.fc1",
  "mlp.c_proj": "mlp.fc2",
};
const plainWords: Readonly<Record<string, string>> = {
  "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
  positional_embedding: "text_model.embeddings.position_embedding.weight",
  "ln_final.weight": "text_model.final_layer_norm.weight",
  "ln_final.bias": "text_model.final_layer_norm.bias",
  "visual.class_embedding": "vision_model.embeddings.class_embedding",
  "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
  "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
  "visual.ln_pre.weight": "vision_model.pre_layrnorm.weight",
  "visual.ln_pre.bias": "vision_model.pre_layrnorm.bias",
  "visual.ln_post.weight": "vision_model.post_layernorm.weight",
  "visual.ln_post.bias": "vision_model.post_layernorm.bias",
};
