import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { InputError, WeightsError } from "../../errors.ts";
import { clip } from "../../models/clip/clip.ts";
import { clipPresets } from "../../models/clip/clip-presets.ts";
import { writeSafetensors } from "../../weights/write-safetensors.ts";
import { readClip } from "./clip-folder.ts";

const root = mkdtempSync(join(tmpdir(), "clip-folder-"));
after(() => rmSync(root, { recursive: true }));

type Preset = "nano-vit" | "nano-rn";

/** A checkpoint of zeros, with the shapes of some tensors changed. */
async function checkpoint(preset: Preset, changed: Record<string, number[]> = {}): Promise<string> {
  const file = join(root, "clip.safetensors");
  const tensors = clip(clipPresets[preset]).parameters.map(({ name, shape: right }) => {
    const shape = changed[name] ?? right;
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
    return { name, dtype: "F32" as const, shape, data };
  });
  await writeSafetensors(file, tensors);
  return file;
}

test("sizes that no CLIP can have are refused with the file's name, before memory is allocated", async () => {
  const changes: [Preset, Record<string, number[]>][] = [
    ["nano-vit", { positional_embedding: [1_000_000, 0] }],
    ["nano-vit", { positional_embedding: [5000, 64] }],
    ["nano-vit", { "visual.positional_embedding": [65 ** 2 + 1, 128] }],
    ["nano-vit", { "visual.conv1.weight": [128, 3, 0, 100_000] }],
    ["nano-vit", { text_projection: [64, 0] }],
    ["nano-vit", { "transformer.resblocks.0.ln_1.weight": [100] }],
    ["nano-rn", { "visual.layer1.0.conv1.weight": [0, 8, 1, 1] }],
    ["nano-rn", { "visual.layer1.0.conv1.weight": [7, 8, 1, 1] }],
    ["nano-rn", { "visual.attnpool.positional_embedding": [100 ** 2 + 1, 256] }],
  ];
  for (const [preset, change] of changes)
    await assert.rejects(readClip(await checkpoint(preset, change)), (error: Error) => {
      assert.ok(error instanceof WeightsError, String(error.stack));
      assert.match(error.message, /clip\.safetensors: a CLIP cannot have these sizes: /, JSON.stringify(change));
      return true;
    });
});

test("a folder whose files contradict the model, or are not files, is refused with its name", async () => {
  const right = join(root, "right");
  mkdirSync(right);
  cpSync(await checkpoint("nano-vit"), join(right, "model.safetensors"));
  writeFileSync(
    join(right, "config.json"),
    JSON.stringify({
      model_type: "clip",
      text_config: { num_attention_heads: 1 },
      vision_config: { num_attention_heads: 2 },
    }),
  );
  assert.equal((await readClip(right)).config.text.heads, 1);
  const config = (words: object) => JSON.stringify({ model_type: "clip", ...words });
  const changes: [file: string, text: string, said: RegExp][] = [
    [
      "config.json",
      config({ text_config: { num_attention_heads: 7 } }),
      /width is not a multiple of the number of heads/,
    ],
    ["config.json", config({ vision_config: { num_attention_heads: 1e9 } }), /Too big/],
    ["config.json", config({ text_config: { hidden_act: "constructor" } }), /unknown activation constructor/],
    ["config.json", "<html>Sign in</html>", /config\.json: not JSON/],
    ["preprocessor_config.json", '{"image_std": [0, 1, 1]}', /preprocessor_config\.json: .*Too small/s],
    [
      "preprocessor_config.json",
      '{"crop_size": {"height": 96, "width": 60}}',
      /preprocessor_config\.json: .*crop_size/s,
    ],
    ["preprocessor_config.json", '{"crop_size": 1000000000}', /crop size of 1000000000 pixels/],
    ["merges.txt", "#version: 0.2\n", /the merges give 514/],
    ["merges.txt", `#version: 0.2\n${"a b\n".repeat(485)}a b c\n`, /merge 485 of the vocabulary is not a pair/],
  ];
  for (const [i, [name, text, said]] of changes.entries()) {
    const folder = join(root, `changed ${i}`);
    cpSync(right, folder, { recursive: true });
    writeFileSync(join(folder, name), text);
    await assert.rejects(readClip(folder), (error: Error) => {
      assert.ok(error instanceof WeightsError || error instanceof InputError, String(error.stack));
      assert.match(error.message, said);
      return true;
    });
  }
  for (const [i, name] of ["config.json", "preprocessor_config.json", "merges.txt", "model.safetensors"].entries())
    for (const make of [
      (path: string) => execFileSync("mkfifo", [path]),
      (path: string) => symlinkSync("/dev/zero", path),
      (path: string) => mkdirSync(path),
    ]) {
      const folder = mkdtempSync(join(root, `odd ${i} `));
      cpSync(right, folder, { recursive: true });
      rmSync(join(folder, name), { force: true });
      make(join(folder, name));
      await assert.rejects(readClip(folder), /is not a regular file|is not a file/, name);
    }
});
