import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { CLIP_PIXELS } from "../../inputs/pictures/prepare-crop.ts";
import { BytePairs } from "../../inputs/words/byte-pairs.ts";
import { clip } from "../../models/clip/clip.ts";
import { clipPresets } from "../../models/clip/clip-presets.ts";
import { ClipSessions } from "./clip-sessions.ts";
import { Encoder } from "./encoder.ts";
import { loadEncoder } from "./load-encoder.ts";
import { dot } from "./unit-vectors.ts";

const merges = gunzipSync(readFileSync(new URL("../../../assets/clip/merges.txt.gz", import.meta.url))).toString();
const words = BytePairs.parse(merges.split("\n").slice(0, 487).join("\n"));

/** Sessions of a small CLIP with random numbers. */
function sessionsOf(preset: "nano-rn" | "nano-vit"): Promise<ClipSessions> {
  const config = clipPresets[preset];
  let state = 5;
  const uniform = () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x80000000;
  };
  const weights = new Map(
    clip(config).parameters.map(({ name, shape, initialise }) => [name, initialise(shape, uniform)]),
  );
  return ClipSessions.open(config, weights, { threads: 1 });
}

const encoder = new Encoder(await sessionsOf("nano-rn"), words, { side: 96, ...CLIP_PIXELS }, { scale: 100, mark: "" });
after(() => encoder.dispose());

/** A picture of one colour. */
function plain(red: number, green: number, blue: number) {
  const data = Uint8Array.from({ length: 3 * 120 * 100 }, (_, i) => [red, green, blue][i % 3]!);
  return { data, width: 120, height: 100, channels: 3 };
}

test("vectors have length 1 and do not depend on the batch size", async () => {
  const pictures = [plain(255, 0, 0), plain(0, 255, 0), plain(9, 9, 200)];
  const texts = ["a cat", "two dogs on a beach", "it"];
  const [one, many] = [{ batch: 1 }, { batch: 3 }];
  const pairs = [
    [await encoder.embedImage(pictures, one), await encoder.embedImage(pictures, many)],
    [await encoder.embedText(texts, one), await encoder.embedText(texts, many)],
  ] as const;
  for (const [alone, together] of pairs)
    alone.forEach((vector, i) => {
      assert.equal(vector.length, encoder.width);
      assert.ok(Math.abs(dot(vector, vector) - 1) < 1e-6);
      assert.ok(encoder.similarity(vector, together[i]!) > 1 - 1e-6);
    });
});

test("one session serves pictures and one texts, whatever the sizes of batches", async () => {
  for (const preset of ["nano-rn", "nano-vit"] as const) {
    const sessions = await sessionsOf(preset);
    for (const n of [1, 2, 3]) {
      await sessions.image(new Float32Array(n * 3 * 96 * 96), n);
      await sessions.text(new BigInt64Array(n * (3 + n)).fill(5n), 3 + n);
    }
    assert.equal(sessions.count, 2, preset);
    await sessions.dispose();
  }
});

test("names are ranked by their cosines, and their scores add up to 1", async () => {
  const ranked = await encoder.classify(plain(200, 10, 10), ["red", "green", "blue"]);
  assert.deepEqual(ranked.map(({ label }) => label).sort(), ["blue", "green", "red"]);
  assert.ok(Math.abs(ranked.reduce((sum, { score }) => sum + score, 0) - 1) < 1e-9);
  assert.ok(ranked[0]!.similarity >= ranked[1]!.similarity && ranked[1]!.similarity >= ranked[2]!.similarity);
});

test("a class vector is the mean over its templates, and is computed once", async () => {
  const templates = ["a {}.", "the {} of a {}."];
  const made = await encoder.classVectors(["cat"], { templates });
  assert.equal(await encoder.classVectors(["cat"], { templates }), made);
  const [a, b] = await encoder.embedText(["a cat.", "the cat of a cat."]);
  const sum = a!.map((value, i) => value + b![i]!);
  const length = Math.sqrt(dot(sum, sum));
  const [vector] = made;
  vector!.forEach((value, i) => {
    assert.ok(Math.abs(value - sum[i]! / length) < 1e-6);
  });
});

test("invalid requests are refused with how to fix them", async () => {
  const refused = (message: RegExp) => ({ name: "InputError", message });
  await assert.rejects(encoder.classVectors([]), refused(/no names/));
  const gapless = encoder.classVectors(["cat"], { templates: ["a photo"] });
  await assert.rejects(gapless, refused(/"a photo" has no \{\}/));
  assert.throws(() => encoder.similarity(new Float32Array(3), new Float32Array(4)), refused(/different models/));
  await assert.rejects(encoder.embedText(["word ".repeat(80)]), refused(/tokens, and the model reads 77/));
  await assert.rejects(encoder.embedImage(["no-such.jpg"]), refused(/no-such\.jpg/));
  await assert.rejects(loadEncoder("no-such-model"), refused(/no-such-model: no such model/));
});

test("a checkpoint of another family is refused with its name", async () => {
  const glip = new URL("../../../assets/models/everyday/model.safetensors", import.meta.url).pathname;
  await assert.rejects(loadEncoder(glip), {
    name: "WeightsError",
    message:
      /model\.safetensors: is a GLIP model, but groundling embed needs a CLIP model; use it with groundling detect/,
  });
});
