import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { anchorsOf } from "../../src/boxes/anchors.ts";
import { decodePicture } from "../../src/inputs/pictures/picture.ts";
import { prepareImage } from "../../src/inputs/pictures/prepare-image.ts";
import { WordPieces } from "../../src/inputs/words/word-pieces.ts";
import { AnyWords } from "../../src/inputs/words/words.ts";
import { glip } from "../../src/models/glip/glip.ts";
import { glipPresets } from "../../src/models/glip/glip-presets.ts";
import { glipPictures } from "../../src/models/parts/glip-pictures.ts";
import { Session } from "../../src/onnx/index.ts";
import { GroundingModel } from "../../src/tasks/finding/grounding-model.ts";
import { Predictor } from "../../src/tasks/finding/predictor.ts";
import { targetsOf } from "../../src/tasks/grounding/targets.ts";
import { GroundingTrainingStep } from "../../src/tasks/grounding/training-step.ts";
import { input } from "../../src/tensor/index.ts";
import { formulaWeight } from "./formula-weights.ts";
import { Comparison, openGolden } from "./golden.ts";

const fixtures = join(import.meta.dirname, "fixtures");
const size = { short: 96, max: 1333 };

interface ForwardMeta {
  seed: number;
  original_size_wh: [number, number];
  resized_hw: [number, number];
  caption: string;
}

interface TrainingMeta {
  seed: number;
  boxes: number[][][];
  tokens: number[][][];
}

function nano(seed: number) {
  const model = glip(glipPresets.nano);
  const weights = new Map(model.parameters.map(({ name, shape }) => [name, formulaWeight(name, shape, seed)]));
  return { model, weights };
}

const words = () => new AnyWords(WordPieces.parse(readFileSync(join(fixtures, "vocab.txt"), "utf8")));
const picture = () => decodePicture(join(fixtures, "picture.png"));

test("a GLIP with formula weights has the activations of another implementation", async () => {
  const golden = await openGolden<ForwardMeta>(join(fixtures, "forward"));
  const { model, weights } = nano(golden.meta.seed);
  const prepared = prepareImage(await picture(), { ...glipPictures, size });
  const { ids } = words().pieces.encode(golden.meta.caption);
  const image = input("image", [1, 3, prepared.paddedHeight, prepared.paddedWidth]);
  const mask = input("mask", [1, ids.length]);
  model.answer(model.image(image), model.text(input("ids", [1, ids.length], "int64"), mask), mask);
  const wanted = golden.names.filter((name) => model.records.has(name));
  const session = await Session.compile(Object.fromEntries(wanted.map((name) => [name, model.records.get(name)!])), {
    threads: 1,
  });
  const found = await session.run(
    { image: prepared.tensor, ids: BigInt64Array.from(ids, BigInt), mask: new Float32Array(ids.length).fill(1) },
    { weights },
  );
  await session.dispose();
  const comparison = new Comparison();
  for (const name of wanted) await comparison.add(golden, name, found[name] as Float32Array);
  await golden.close();
  comparison.finish(102);
});

test("a picture file and class names give the detections of another implementation, in order", async () => {
  const golden = await openGolden<ForwardMeta>(join(fixtures, "forward"));
  const { model, weights } = nano(golden.meta.seed);
  const finder = new GroundingModel(
    new Predictor(model, weights, { threads: 1 }),
    words(),
    { ...glipPictures, size },
    { decode: decodePicture },
  );
  const classes = golden.meta.caption.split(". ");
  const found = await finder.detect(join(fixtures, "picture.png"), classes, { threshold: 0 });
  await finder.dispose();

  const boxes = await golden.floats("post.final.boxes");
  const scores = await golden.floats("post.final.scores");
  const labels = await golden.integers("post.final.labels");
  const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]!);
  const [width, height] = golden.meta.original_size_wh;
  const [resizedHeight, resizedWidth] = golden.meta.resized_hw;
  const ratios = [width / resizedWidth, height / resizedHeight];
  assert.deepEqual(
    found.map(({ label }) => label),
    order.map((index) => classes[labels[index]! - 1]),
  );
  for (const [i, { score, box }] of found.entries()) {
    const index = order[i]!;
    assert.ok(Math.abs(score - scores[index]!) < 1e-5, `score ${i}`);
    [box.xmin, box.ymin, box.xmax, box.ymax].forEach((side, k) => {
      const expected = boxes[4 * index + k]! * ratios[k % 2]!;
      assert.ok(Math.abs(side - expected) < 2e-3, `box ${i}: ${side}, expected ${expected}`);
    });
  }
});

test("a training step has the losses and gradients of another implementation", async () => {
  const golden = await openGolden<TrainingMeta>(join(fixtures, "training"));
  const { seed, boxes, tokens } = golden.meta;
  const { model, weights } = nano(seed);
  const { tensor, paddedHeight: height, paddedWidth: width } = prepareImage(await picture(), { ...glipPictures, size });
  const [pictures, length] = golden.shape("input.ids") as [number, number];
  const truths = boxes.map((corners, i) => ({ boxes: Float32Array.from(corners.flat()), tokens: tokens[i]! }));
  const image = new Float32Array(pictures * tensor.length);
  for (let i = 0; i < pictures; i++) image.set(tensor, i * tensor.length);
  const step = new GroundingTrainingStep(model, { optimization: "none", threads: 1 });
  const { losses, gradients } = await step.run(weights, {
    image,
    pictures,
    height,
    width,
    ids: BigInt64Array.from(await golden.integers("input.ids"), BigInt),
    mask: await golden.floats("input.mask"),
    tokens: length,
    targets: targetsOf(truths, anchorsOf(height, width), { tokens: length, maxTokens: 256 }),
  });
  await step.dispose();
  const comparison = new Comparison();
  for (const [name, loss] of Object.entries(losses)) await comparison.add(golden, `loss.${name}`, [loss]);
  const kept = golden.names.filter((name) => name.startsWith("grad."));
  for (const name of kept) await comparison.add(golden, name, gradients.get(name.slice("grad.".length))!);
  await golden.close();
  comparison.finish(3 + kept.length);
  assert.ok(kept.length > 200);
});
