import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { loadWorld, writeSceneDataset } from "../../data/scenes/index.ts";
import { WordPieces } from "../../inputs/words/word-pieces.ts";
import { AnyWords } from "../../inputs/words/words.ts";
import { glipPictures } from "../../models/parts/glip-pictures.ts";
import type { StoredModel } from "../../tasks/finding/model-folder.ts";
import { TUNABLE_PROMPT } from "../../tasks/finding/tunable-prompt.ts";
import { tinyModel, vocabulary } from "../../tasks/grounding/fixtures/tiny-model.ts";
import { adaptModel, TrainingSessions } from "./adapt-model.ts";
import type { AdaptationRequest } from "./adaptation-request.ts";
import { type Method, trainedNames } from "./methods.ts";

const root = mkdtempSync(join(tmpdir(), "adapt-model-"));
const words = new AnyWords(WordPieces.parse(readFileSync(vocabulary, "utf8")));
const base: StoredModel = {
  ...tinyModel(),
  words,
  vocabulary,
  preparation: { ...glipPictures, size: { short: 64, max: 64 } },
};
const sessions = new TrainingSessions({ optimization: "none" });
const annotations = join(root, "set", "instances.json");

before(async () => {
  const world = loadWorld(join(root, "sprites"), { names: "everyday" });
  await writeSceneDataset(world, { folder: join(root, "set"), count: 6, seed: 1, size: 64, form: "boxes" });
  keepClasses(2);
});
after(async () => {
  await sessions.dispose();
  rmSync(root, { recursive: true });
});

const adapt = (more: Partial<AdaptationRequest>) =>
  adaptModel(
    base,
    { method: "prompt", train: { data: annotations }, steps: 3, pictures: 2, shards: 1, ...more },
    sessions,
  );

test("full tuning trains all but the first layers or the frozen parts, and a linear probe only its own", () => {
  const names = [...base.weights.keys()];
  const full = trainedNames(names, "full");
  assert.deepEqual(
    names.filter((name) => !full.includes(name)),
    names.filter((name) => /^backbone\.body\.(patch_embed|layers\.0\.)/.test(name)),
  );
  assert.deepEqual(
    trainedNames(names, "full", ["^rpn"]),
    names.filter((name) => !name.startsWith("rpn")),
  );
  const parts = ["bbox_pred.weight", "bbox_pred.bias", "centerness.weight", "centerness.bias"];
  const text = ["dot_product_projection_text.weight", "dot_product_projection_text.bias"];
  const probe = [...parts, ...text, "log_scale", "bias_lang", "bias0"].map((name) => `rpn.head.${name}`);
  assert.deepEqual(trainedNames(names, "linear"), probe);
  assert.throws(() => trainedNames(names, "full", ["bakcbone"]), { name: "InputError", message: /bakcbone/ });
  assert.throws(() => trainedNames(names, "full", ["("]), { name: "InputError", message: /regular expression/ });
  assert.throws(() => trainedNames(names, "linear", ["rpn"]), { name: "InputError", message: /no parameter is left/ });
});

test("epochs are passes over the training pictures, and replay makes them longer", async () => {
  const steps = async (more: Partial<AdaptationRequest>) => {
    const { steps: _, ...request } = {
      method: "linear" as const,
      train: { data: annotations },
      pictures: 2,
      shards: 1,
      ...more,
    };
    return (await adaptModel(base, request, sessions)).steps;
  };
  const { annotations: boxes } = JSON.parse(readFileSync(annotations, "utf8"));
  const pictures = new Set(boxes.map(({ image_id }: { image_id: number }) => image_id)).size;
  assert.equal(await steps({ epochs: 2 }), pictures);
  assert.equal(await steps({ epochs: 2, replay: { data: annotations }, replayWeight: 2 }), 3 * pictures);
});

test("contradictory options are refused", async () => {
  const refused = (more: Partial<AdaptationRequest>, message: RegExp) =>
    assert.rejects(adapt(more), { name: "InputError", message });
  await refused({ epochs: 2 }, /both steps and epochs are given/);
  await refused({ replayWeight: 2 }, /a replay weight needs a replay set/);
  await refused({ replay: { data: annotations } }, /replay has no effect/);
});

test("in place works only with a tuned prompt", async () => {
  await assert.rejects(adapt({ method: "linear", inPlace: true }), { name: "InputError", message: /method prompt/ });
  const [added, inPlace] = [await adapt({ method: "prompt" }), await adapt({ method: "prompt", inPlace: true })];
  assert.equal(inPlace.prompt!.inPlace, true);
  assert.notDeepEqual(inPlace.prompt!.vectors, added.prompt!.vectors);
});

test("parameters that a method does not train keep their bits in the base and in the adapted model", async () => {
  const before = new Map([...base.weights].map(([name, numbers]) => [name, numbers.slice()]));
  const parts = ["^backbone", "^language_backbone"];
  const ways: [Partial<AdaptationRequest> & { method: Method }, readonly string[]][] = [
    [{ method: "linear" }, trainedNames([...before.keys()], "linear")],
    [{ method: "prompt" }, [TUNABLE_PROMPT]],
    [{ method: "full", frozen: parts }, trainedNames([...before.keys()], "full", parts)],
    [{ method: "adapters", frozen: parts }, trainedNames([...before.keys()], "adapters", parts)],
  ];
  for (const [way, trained] of ways) {
    const { stored, learned } = await adapt(way);
    const changed = [...stored.weights].filter(([name, numbers]) => !same(numbers, before.get(name)));
    const names = changed.map(([name]) => name);
    // A level whose anchors answer for no box learns no scale.
    const idle = trained.filter((name) => /scales\.\d\.scale$/.test(name) && !names.includes(name));
    assert.deepEqual([...names, ...idle].sort(), [...trained].sort(), way.method);
    if (way.method !== "adapters") for (const [name, numbers] of changed) assert.deepEqual(learned.get(name), numbers);
  }
  for (const [name, numbers] of before) assert.ok(same(base.weights.get(name)!, numbers), name);
});

function same(a: Float32Array, b: Float32Array | undefined): boolean {
  return (
    b !== undefined &&
    Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength))
  );
}

/** Leaves the most frequent classes alone, so that all have boxes. */
function keepClasses(count: number): void {
  const truth = JSON.parse(readFileSync(annotations, "utf8"));
  const of = (id: number) => truth.annotations.filter((box: { category_id: number }) => box.category_id === id).length;
  truth.categories.sort((a: { id: number }, b: { id: number }) => of(b.id) - of(a.id)).splice(count);
  const kept = new Set(truth.categories.map(({ id }: { id: number }) => id));
  truth.annotations = truth.annotations.filter((box: { category_id: number }) => kept.has(box.category_id));
  writeFileSync(annotations, JSON.stringify(truth));
}

test("a batch in shards, composed ahead in a thread, learns the same, with the same bits each time", async () => {
  const method = "linear" as const;
  const alone = await adapt({ method });
  const [first, again] = [await adapt({ method, shards: 2 }), await adapt({ method, shards: 2 })];
  assert.deepEqual(plain(first.learned), plain(again.learned));
  // Adam divides each gradient by its size: rounding may change the steps of the few numbers whose gradient is near zero.
  const moved = [...alone.learned].flatMap(([name, numbers]) => {
    const [start, other] = [base.weights.get(name)!, first.learned.get(name)!];
    return [...numbers].map((x, i) => ({ alone: x - start[i]!, shards: other[i]! - start[i]! }));
  });
  const length = Math.hypot(...moved.map((x) => x.alone));
  assert.ok(length > 0 && Math.hypot(...moved.map((x) => x.alone - x.shards)) < 0.05 * length);
});

function plain(numbers: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> {
  return new Map([...numbers].map(([name, values]) => [name, values.slice()]));
}
