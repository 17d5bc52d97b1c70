import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import sharp from "sharp";
import { groundling, started, temporaryFolder } from "./running.ts";

const folder = temporaryFolder();
after(() => rmSync(folder, { recursive: true }));

test("a CLIP's training that was killed continues with the same bits, and its model classifies", async () => {
  const lines: string[] = [];
  for (const [i, background] of ["#e00", "#0c0", "#11e", "#dd0"].entries()) {
    await sharp({ create: { width: 40, height: 40, channels: 3, background } })
      .png()
      .toFile(join(folder, `${i}.png`));
    lines.push(JSON.stringify({ image: `${i}.png`, captions: [`picture ${i}`, `the ${i}`] }));
  }
  writeFileSync(join(folder, "captions.jsonl"), lines.join("\n"));
  const recipe = join(folder, "recipe.json");
  const model = {
    ...{ kind: "clip", embedding: 32, image: { kind: "vit", width: 64, layers: 1, patch: 16, resolution: 32 } },
    text: { width: 64, layers: 1, vocabulary: 1000, context: 16 },
  };
  const content = {
    ...{ about: "test", seed: 1, model, data: { kind: "captions", data: "captions.jsonl" }, pictures: 4, crop: 0.8 },
    ...{ flip: 0.5, frozen: [], steps: 150, learningRate: 0.001, weightDecay: 0.1, warmup: 5, clip: 1 },
    ...{ averageDecay: 0.9, evaluateEvery: 150, evaluatePictures: 4, checkpointEvery: 20 },
  };
  writeFileSync(recipe, JSON.stringify(content));
  const [whole, parts] = [join(folder, "whole"), join(folder, "parts")];
  const words = (out: string) => ["train", recipe, "--quiet", "--out", out];
  assert.equal((await groundling(words(whole))).code, 0);
  const { child, ended } = started(words(parts));
  while (child.exitCode === null && !existsSync(join(parts, "last.safetensors"))) await pause(5);
  child.kill("SIGKILL");
  assert.equal((await ended).code, null, "the run was complete before it was killed");
  assert.equal(existsSync(join(parts, "model.safetensors")), false);
  assert.equal((await groundling([...words(parts), "--resume"])).code, 0);
  const trained = readFileSync(join(parts, "model.safetensors"));
  assert.deepEqual(trained, readFileSync(join(whole, "model.safetensors")));
  const question = ["--labels", "picture 0,picture 1", "--template", "{}", "--format", "csv", "--quiet"];
  const { code, stdout } = await groundling([
    "classify",
    join(folder, "0.png"),
    "--model",
    join(parts, "model.safetensors"),
    ...question,
  ]);
  assert.equal(code, 0);
  assert.match(stdout, /^image,label,score,similarity\r\n/);
});
