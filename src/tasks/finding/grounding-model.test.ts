import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { InputError, WeightsError } from "../../errors.ts";
import { WordPieces } from "../../inputs/words/word-pieces.ts";
import { AnyWords } from "../../inputs/words/words.ts";
import { glipPictures } from "../../models/parts/glip-pictures.ts";
import { SessionPool } from "../../onnx/pool.ts";
import { tinyConfig, tinyModel, vocabulary } from "../grounding/fixtures/tiny-model.ts";
import { DEFAULT_THRESHOLD } from "./detect-options.ts";
import type { Detection } from "./detection.ts";
import { GroundingModel } from "./grounding-model.ts";
import { loadModel } from "./load-model.ts";
import { writeModelFolder } from "./model-folder.ts";
import { Predictor } from "./predictor.ts";

const root = mkdtempSync(join(tmpdir(), "grounding-"));
after(() => rmSync(root, { recursive: true }));
const size = { short: 64, max: 128 };
const threads = { threads: 1 };

/** Detections of any score. */
const ALL = { threshold: 0 };
const { model, weights } = tinyModel();
const predictor = new Predictor(model, weights, threads);
const finder = new GroundingModel(predictor, new AnyWords(WordPieces.parse(readFileSync(vocabulary, "utf8"))), {
  ...glipPictures,
  size,
});
after(() => finder.dispose());

/** A picture with one bright corner. */
function picture(width: number, height: number) {
  const data = new Uint8Array(width * height * 3).fill(60);
  for (let y = 0; y < height / 2; y++) data.fill(220, 3 * y * width, 3 * (y * width + Math.ceil(width / 2)));
  return { data, width, height, channels: 3 };
}

function assertSame(actual: readonly Detection[], expected: readonly Detection[], most: number): void {
  assert.equal(actual.length, expected.length);
  actual.forEach(({ label, score }, i) => {
    assert.equal(label, expected[i]!.label);
    assert.ok(Math.abs(score - expected[i]!.score) <= most, `${score}, expected ${expected[i]!.score}`);
  });
}

test("detections have the user's words, are sorted best first and are inside the picture", async () => {
  const found = await finder.detect(picture(90, 60), ["Red_Apple", "chair"], ALL);
  assert.ok(found.length > 1);
  found.forEach(({ score, label, box }, i) => {
    assert.ok(["Red_Apple", "chair"].includes(label));
    assert.ok(score > 0 && score < 1 && (i === 0 || score <= found[i - 1]!.score));
    assert.ok(0 <= box.xmin && box.xmin <= box.xmax && box.xmax <= 90);
    assert.ok(0 <= box.ymin && box.ymin <= box.ymax && box.ymax <= 60);
  });
  const best = found[0]!.score;
  assert.ok((await finder.detect(picture(90, 60), ["Red_Apple", "chair"], { threshold: best })).length >= 1);
  assert.equal((await finder.detect(picture(90, 60), ["Red_Apple", "chair"], { topK: 1, threshold: 0 })).length, 1);
});

test("a prompt is used as written, a list is joined by periods, and several pictures give several results", async () => {
  const listed = await finder.detect(picture(90, 60), ["apple", "chair"], ALL);
  assert.deepEqual(await finder.detect(picture(90, 60), "apple. chair", ALL), listed);
  const pointed = await finder.detect(picture(90, 60), "apple. chair.", ALL);
  assert.deepEqual(new Set(pointed.map(({ label }) => label)), new Set(["apple", "chair"]));
  assert.notDeepEqual(pointed, listed);
  assert.deepEqual(await finder.detect([picture(90, 60), picture(90, 60)], ["apple", "chair"], ALL), [listed, listed]);
});

test("classes that are set need not be given again, and missing classes are an error", async () => {
  const own = new GroundingModel(predictor, new AnyWords(WordPieces.parse(readFileSync(vocabulary, "utf8"))), {
    ...glipPictures,
    size,
  });
  await assert.rejects(
    own.detect(picture(40, 40)),
    (error) => error instanceof InputError && /setClasses/.test(error.message),
  );
  assert.throws(() => own.setClasses([]), /the list of classes is empty/);
  own.setClasses(["apple", "chair"]);
  assert.deepEqual(
    await own.detect(picture(90, 60), undefined, ALL),
    await finder.detect(picture(90, 60), ["apple", "chair"], ALL),
  );
});

test("more classes than fit one caption are found in several passes, under their own names", async () => {
  const classes = [
    "apple",
    "chair",
    "dog",
    "cat",
    "ball",
    "cup",
    "car",
    "tree",
    "book",
    "hat",
    "key",
    "lamp",
    "shoe",
    "clock",
  ];
  const found = await finder.detect(picture(90, 60), classes, { topK: 10_000, threshold: 0 });
  const alone = await finder.detect(picture(90, 60), classes.slice(-1), { topK: 10_000, threshold: 0 });
  assert.ok(found.every(({ label }) => classes.includes(label)));
  assert.ok(alone.length === 0 || found.some(({ label }) => label === "clock"));
});

test("phrases of a caption are found with their characters", async () => {
  const caption = "a red apple beside a small chair";
  const found = await finder.ground(picture(90, 60), caption, ALL);
  assert.ok(found.length > 0);
  for (const { label, span } of found) assert.equal(caption.slice(...span), label);
  const given = await finder.ground(picture(90, 60), caption, { ...ALL, phrases: ["small chair"] });
  assert.ok(given.every(({ span }) => String(span) === "21,32"));
  const both = await finder.ground([picture(90, 60), picture(60, 90)], caption, ALL);
  assert.deepEqual(both, [found, await finder.ground(picture(60, 90), caption, ALL)]);
  await assert.rejects(finder.ground(picture(90, 60), "and or"), /no noun phrase/);
});

test("pictures of one pixel and of odd sizes have a result", async () => {
  for (const [width, height] of [
    [1, 1],
    [1, 400],
    [37, 91],
  ] as const)
    assert.ok(Array.isArray(await finder.detect(picture(width, height), ["apple"], ALL)));
});

test("emoji, other scripts and control characters are accepted as words", async () => {
  for (const name of ["🍎", "яблоко", "りんご", "a\u0000b"])
    assert.ok(Array.isArray(await finder.detect(picture(40, 40), [name, "apple"], ALL)), name);
  await assert.rejects(finder.detect(picture(40, 40), ["apple", " "], ALL), /without words: " "/);
});

const tensorsOf = () =>
  model.parameters.map(({ name, shape }) => ({ name, dtype: "F32" as const, shape, data: weights.get(name)! }));

test("a model folder is loaded, also with fewer bits, with nearly the same scores", async () => {
  const folder = join(root, "model");
  await writeModelFolder(folder, {
    ...{ type: "groundling-glip", config: tinyConfig, size, vocabulary, card: "", weights: tensorsOf() },
  });
  const expected = await finder.detect(picture(90, 60), ["apple"], { topK: 1, threshold: 0 });
  for (const [options, most] of [
    [{}, 1e-6],
    [{ precision: "float16" }, 0.02],
    [{ weightBits: 8 }, 0.02],
  ] as const) {
    const loaded = await loadModel(folder, { ...threads, ...options });
    assertSame(await loaded.detect(picture(90, 60), ["apple"], { topK: 1, threshold: 0 }), expected, most);
    await loaded.dispose();
  }
  const device = process.platform === "win32" ? "coreml" : "dml";
  await using elsewhere = await loadModel(folder, { device });
  await assert.rejects(
    elsewhere.detect(picture(90, 60), ["apple"]),
    new RegExp(`^InputError: device ${device} is not`),
  );
});

test("twelve models at once cause no warning from Node", async () => {
  const folder = join(root, "twelve");
  await writeModelFolder(folder, {
    ...{ type: "groundling-glip", config: tinyConfig, size, vocabulary, card: "", weights: tensorsOf() },
  });
  const warnings: Error[] = [];
  const keep = (warning: Error) => warnings.push(warning);
  process.on("warning", keep);
  const loaded = [];
  for (let i = 0; i < 12; i++) loaded.push(await loadModel(folder, threads));
  await setImmediate();
  for (const one of loaded) await one.dispose();
  process.off("warning", keep);
  assert.deepEqual(warnings, []);
});

test("a model with a given runner, in a worker thread, gives the same detections", async () => {
  const folder = join(root, "threaded");
  await writeModelFolder(folder, {
    ...{ type: "groundling-glip", config: tinyConfig, size, vocabulary, card: "", weights: tensorsOf() },
  });
  const pools: SessionPool[] = [];
  const loaded = await loadModel(folder, {
    ...threads,
    runner: (options) => {
      pools.push(new SessionPool({ ...options, workers: 1 }));
      return pools[0]!;
    },
  });
  const expected = await finder.detect(picture(90, 60), ["apple"], ALL);
  assertSame(await loaded.detect(picture(90, 60), ["apple"], ALL), expected, 1e-6);
  await loaded.dispose();
  assert.equal(pools.length, 1);
  await assert.rejects(loaded.detect(picture(90, 60), ["apple"]), /disposed/);
});

test("a model without a decoder accepts only pixels, and says so", async () => {
  await assert.rejects(finder.detect("photo.jpg", ["apple"]), {
    name: "InputError",
    message: /no decoder for pictures/,
  });
});

test("a model folder with another model's words is refused", async () => {
  const folder = join(root, "words");
  const few = join(root, "few.txt");
  writeFileSync(few, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "apple"].join("\n"));
  await writeModelFolder(folder, {
    type: "groundling-glip",
    config: tinyConfig,
    size,
    vocabulary: few,
    card: "",
    weights: tensorsOf(),
  });
  await assert.rejects(
    loadModel(folder),
    (error) => error instanceof WeightsError && /7848 word pieces, but the vocabulary has 6/.test(error.message),
  );
});

test("a published model is loaded by its name, and with offline none is fetched", async () => {
  const cache = process.env["XDG_CACHE_HOME"];
  process.env["XDG_CACHE_HOME"] = root;
  try {
    await assert.rejects(
      loadModel("glip-t", { offline: true }),
      (error) => error instanceof InputError && /^glip-t is not in the cache/.test(error.message),
    );
  } finally {
    if (cache === undefined) delete process.env["XDG_CACHE_HOME"];
    else process.env["XDG_CACHE_HOME"] = cache;
  }
});

test("fetching a model reports its bytes, and the signal stops it with its own reason", async () => {
  const server = createServer(({ method }, response) => {
    response.writeHead(200, { "content-length": 3e6 });
    if (method === "HEAD") response.end();
    else response.write(Buffer.alloc(1e6));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const cache = join(root, "aborted");
  const before = { HF_ENDPOINT: process.env["HF_ENDPOINT"], XDG_CACHE_HOME: process.env["XDG_CACHE_HOME"] };
  process.env["HF_ENDPOINT"] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  process.env["XDG_CACHE_HOME"] = cache;
  try {
    const stopping = new AbortController();
    const reason = new Error("the user left");
    const told: (number | undefined)[][] = [];
    const progress = (done: number, total: number | undefined) => {
      told.push([done, total]);
      if (done === 1e6) stopping.abort(reason);
    };
    await assert.rejects(loadModel("glip-t", { progress, signal: stopping.signal }), reason);
    assert.deepEqual(told.at(-1), [1e6, 3e6]);
    const file = join(cache, "groundling", "models", "glip_tiny_model_o365_goldg_cc_sbu.pth");
    assert.deepEqual([existsSync(file), existsSync(`${file}.part`)], [false, true]);
  } finally {
    for (const [name, value] of Object.entries(before))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    server.closeAllConnections();
    server.close();
  }
});

test("`await using` disposes a model at the end of its block", async () => {
  const folder = join(root, "block");
  await writeModelFolder(folder, {
    ...{ type: "groundling-glip", config: tinyConfig, size, vocabulary, card: "", weights: tensorsOf() },
  });
  let kept: GroundingModel | undefined;
  {
    await using loaded = await loadModel(folder, threads);
    kept = loaded;
  }
  await assert.rejects(kept.detect(picture(40, 40), ["apple"]), /was disposed/);
});

test("a path without a model is named in the error", async () => {
  await assert.rejects(
    loadModel(join(root, "nothing")),
    (error) => error instanceof InputError && /nothing/.test(error.message),
  );
});

test("by default only detections with a score of at least 0.5 are returned", async () => {
  const all = await finder.detect(picture(90, 60), ["apple", "chair"], { threshold: 0, topK: 10_000 });
  assert.ok(all.some(({ score }) => score < DEFAULT_THRESHOLD));
  const found = await finder.detect(picture(90, 60), ["apple", "chair"], { topK: 10_000 });
  assert.deepEqual(
    found,
    all.filter(({ score }) => score >= DEFAULT_THRESHOLD),
  );
});

test("options out of range are all refused at once, and so is a disposed model", async () => {
  for (const [options, expected] of [
    [{ threshold: 1.5, nms: -1 }, /^threshold is 1\.5; give a number from 0 to 1; nms is -1; /],
    [{ threshold: Number.NaN }, /threshold is NaN/],
    [{ textThreshold: 2 }, /textThreshold is 2/],
    [{ topK: 0 }, /topK is 0; give a whole number of 1 or more/],
    [{ topK: 2.5 }, /topK is 2\.5/],
    [{ size: { short: 100, max: 50 } }, /size is \{"short":100,"max":50\}; give/],
    [{ size: { short: 1e9, max: 1e9 } }, /size is/],
  ] as const)
    await assert.rejects(finder.detect(picture(40, 40), ["apple"], options), { name: "InputError", message: expected });
  const own = new GroundingModel(
    new Predictor(model, weights, threads),
    new AnyWords(WordPieces.parse(readFileSync(vocabulary, "utf8"))),
    { ...glipPictures, size },
  );
  await own.dispose();
  await own.dispose();
  const late = { name: "InputError", message: /disposed.*load it again/ };
  await assert.rejects(own.detect(picture(40, 40), ["apple"]), late);
  await assert.rejects(own.ground(picture(40, 40), "an apple"), late);
});
