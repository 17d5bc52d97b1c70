import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { CommanderError } from "commander";
import sharp from "sharp";
import { programFor } from "../../src/apps/cli/program.ts";
import { RecipeError } from "../../src/errors.ts";
import { runtime } from "../../src/onnx/index.ts";
import { DEFAULT_THRESHOLD } from "../../src/tasks/finding/detect-options.ts";
import { readModel } from "../../src/tasks/finding/model-folder.ts";
import { openWeights } from "../../src/weights/open-weights.ts";
import { groundling, repository, temporaryFolder, writeTinyModel } from "./running.ts";

const folder = temporaryFolder();
const model = join(folder, "model");
const picture = join(folder, "picture.png");
before(async () => {
  await writeTinyModel(model);
  const data = Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => (i * 91) % 256);
  await sharp(data, { raw: { width: 64, height: 64, channels: 3 } })
    .png()
    .toFile(picture);
});
after(() => rmSync(folder, { recursive: true }));

test("the program prints its version, its commands, and suggestions for typing errors", async () => {
  const { version } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  assert.deepEqual(await groundling(["--version"]), { code: 0, stdout: `${version}\n`, stderr: "" });
  const help = await groundling([]);
  assert.equal(help.code, 0);
  for (const name of [
    "detect",
    "ground",
    "train",
    "eval",
    "convert",
    "models",
    "inspect",
    "export",
    "scenes",
    "browse",
  ])
    assert.match(help.stdout, new RegExp(`^  ${name} `, "m"));
  const wrong = await groundling(["detct"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /Did you mean detect\?/);
});

test("detect, ground, track and pseudo-label start from the library's threshold", async () => {
  for (const verb of ["detect", "ground", "track", "pseudo-label"]) {
    const [command] = (await programFor([verb])).commands.filter((one) => one.name() === verb);
    const option = command!.options.find(({ long }) => long === "--threshold");
    assert.equal(option?.defaultValue, DEFAULT_THRESHOLD, verb);
  }
});

test("an invalid command line is refused with how to fix it", async () => {
  for (const [words, expected] of [
    [["detect", picture], /no names to find; give --prompt/],
    [["detect"], /missing required argument 'pictures'/],
    [["detect", picture, "--prompt", "dog", "--classes", "dog"], /cannot be used with/],
    [["detect", picture, "--prompt", "dog", "--threshold", "2"], /give a number from 0 to 1/],
    [["detect", picture, "--prompt", "dog", "--size", "800,600"], /give SHORT or SHORT,MAX/],
    [["detect", picture, "--prompt", "dog", "--format", "xml"], /Allowed choices are json/],
    [["export", "--size", "100x100", "--classes", "dog", "--out", "m.onnx"], /multiples of 32/],
  ] as const) {
    const program = await programFor(words);
    for (const one of [program, ...program.commands]) one.configureOutput({ writeErr: () => {} });
    await assert.rejects(program.parseAsync(words, { from: "user" }), (error: Error) => {
      assert.match(error.message, expected);
      return error instanceof CommanderError;
    });
  }
});

test("models lists the models with names and where they are", async () => {
  const { stdout } = await groundling(["models"], { env: { XDG_CACHE_HOME: folder } });
  assert.match(stdout, /^everyday .*\nsmall-clip .*\nglip-t-a .*glip_a_tiny_o365\.pth\n/m);
});

test("convert makes a folder that loads with the same numbers, and refuses the wrong vocabulary", async () => {
  const from = join(model, "model.safetensors");
  const to = join(folder, "converted");
  const words = ["convert", from, "--to", to, "--preset", "nano"];
  const wrong = await groundling(words);
  assert.equal(wrong.code, 1);
  assert.match(
    wrong.stderr,
    /has 30522 tokens, but the model has 988; give the model.s vocabulary with --vocab|does not fit/,
  );
  assert.ok(!existsSync(to));
  const vocab = join(repository, "assets/words/vocab.txt");
  const { code, stderr } = await groundling(["convert", from, "--to", to, "--vocab", vocab, "--size", "96,160"]);
  assert.equal(code, 0, stderr);
  const [before, after] = [await readModel(model), await readModel(to)];
  assert.deepEqual(after.preparation, before.preparation);
  assert.deepEqual(after.weights, before.weights);
  assert.match(readFileSync(join(to, "README.md"), "utf8"), /1,805,110|parameters/);
});

/** The tensors that inspect writes for the picture and two classes; computed once. */
let inside: Promise<string> | undefined;
function inspected(): Promise<string> {
  inside ??= (async () => {
    const out = join(folder, "inside.safetensors");
    const words = ["inspect", picture, "--model", model, "--prompt", "dog. red car", "--out", out];
    const { code, stderr } = await groundling(words);
    assert.equal(code, 0, stderr);
    return out;
  })();
  return inside;
}

test("inspect writes every intermediate under its name", async () => {
  const file = await openWeights(await inspected());
  const shape = (name: string) => file.entries.get(name)?.shape;
  assert.deepEqual(shape("input.image"), [1, 3, 96, 96]);
  assert.deepEqual(shape("input.input_ids"), [1, 256]);
  assert.deepEqual(shape("tower.2.dyconv.v3"), [1, 32, 12, 12]);
  assert.deepEqual(shape("head.dot_product_logits.p7"), [1, 1, 256]);
  const found = shape("post.final.scores")![0]!;
  assert.ok(found > 0);
  assert.deepEqual([shape("post.final.boxes"), shape("post.final.labels")], [[found, 4], [found]]);
  assert.deepEqual(shape("input.rgb"), [96, 96, 3]);
  await file.close();
});

test("inspect reads a caption with its phrases, and requires a prompt or a caption", async () => {
  const out = join(folder, "caption.safetensors");
  const caption = ["--caption", "the dog and the red car", "--phrase", "dog", "--phrase", "red car"];
  const { code, stderr } = await groundling(["inspect", picture, "--model", model, ...caption, "--out", out]);
  assert.equal(code, 0, stderr);
  const file = await openWeights(out);
  const map = await file.readFloat32("input.positive_map");
  const tokens = (row: number) =>
    [...map.subarray(256 * row, 256 * (row + 1)).keys()].filter((i) => map[256 * row + i]);
  assert.deepEqual([tokens(0), tokens(1)], [[2], [5, 6]]);
  await file.close();
  const nothing = await groundling(["inspect", picture, "--model", model, "--out", out]);
  assert.equal(nothing.code, 2);
  assert.match(nothing.stderr, /--prompt TEXT or --caption TEXT/);
});

test("export writes standard ONNX with the outputs that inspect records", async () => {
  const out = join(folder, "model.onnx");
  const words = ["export", "--model", model, "--size", "96x96", "--classes", "dog,red car", "--out", out];
  const { code, stderr } = await groundling(words);
  assert.equal(code, 0, stderr);
  const ort = await runtime();
  const session = await ort.InferenceSession.create(out);
  const file = await openWeights(await inspected());
  after(() => file.close());
  const image = await file.readFloat32("input.image");
  const answers = await session.run({ image: new ort.Tensor("float32", image, [1, 3, 96, 96]) });
  const note = JSON.parse(readFileSync(`${out}.json`, "utf8"));
  assert.deepEqual(note.classes, [
    { name: "dog", tokens: [1] },
    { name: "red car", tokens: [3, 4] },
  ]);
  const logits = answers.logits!;
  const [, , tokens] = logits.dims as [number, number, number];
  const seen = await file.readFloat32("head.dot_product_logits.p3");
  for (let anchor = 0; anchor < 144; anchor++)
    for (const token of [1, 3, 4]) {
      const [a, b] = [(logits.data as Float32Array)[anchor * tokens + token]!, seen[anchor * 256 + token]!];
      assert.ok(Math.abs(a - b) < 1e-3, `anchor ${anchor}, token ${token}: ${a}, ${b}`);
    }
  assert.deepEqual(answers.offsets!.dims, [1, logits.dims[1], 4]);
  assert.deepEqual(answers.centerness!.dims, [1, logits.dims[1]]);
  await session.release();
});

test("an invalid recipe is refused before anything is written", async () => {
  const words = ["train", join(model, "config.json"), "--out", join(folder, "run")];
  await assert.rejects((await programFor(words)).parseAsync(words, { from: "user" }), (error: Error) => {
    assert.match(error.message, /config\.json/);
    return error instanceof RecipeError;
  });
  assert.ok(!existsSync(join(folder, "run")));
});

test("training into a folder with a run is refused with both solutions, and nothing is changed", async () => {
  const out = join(folder, "earlier");
  mkdirSync(out);
  for (const name of ["last.safetensors", "log.jsonl"]) writeFileSync(join(out, name), "of an earlier run");
  const words = ["train", join(repository, "recipes/first-world.json"), "--quiet", "--out", out];
  await assert.rejects((await programFor(words)).parseAsync(words, { from: "user" }), {
    name: "InputError",
    message: /contains a run .*; continue it with --resume, or give another folder with --out/,
  });
  assert.deepEqual(readdirSync(out).sort(), ["last.safetensors", "log.jsonl"]);
  for (const name of readdirSync(out)) assert.equal(readFileSync(join(out, name), "utf8"), "of an earlier run");
});
