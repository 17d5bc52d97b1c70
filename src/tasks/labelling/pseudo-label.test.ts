import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { stripes } from "../../data/pairs/fixtures/pictures.ts";
import type { LabelledPair } from "../../data/pairs/labelled.ts";
import type { PairOrRefusal, Refusal } from "../../data/pairs/pair.ts";
import { decodePicture } from "../../inputs/pictures/picture.ts";
import { WordPieces } from "../../inputs/words/word-pieces.ts";
import { AnyWords } from "../../inputs/words/words.ts";
import { glipPictures } from "../../models/parts/glip-pictures.ts";
import { GroundingModel } from "../finding/grounding-model.ts";
import { openPicturePreparer } from "../finding/picture-preparer.ts";
import { Predictor } from "../finding/predictor.ts";
import { tinyModel, vocabulary } from "../grounding/fixtures/tiny-model.ts";
import { type LabelOptions, pseudoLabel } from "./pseudo-label.ts";

const { model: network, weights } = tinyModel();
const size = { short: 64, max: 96 };
const words = WordPieces.parse(readFileSync(vocabulary, "utf8"));
const model = new GroundingModel(
  new Predictor(network, weights, { threads: 1 }),
  new AnyWords(words),
  { ...glipPictures, size },
  { decode: decodePicture },
);
const preparer = openPicturePreparer(model.preparations());
after(() => Promise.all([model.dispose(), preparer.close()]));

async function label(pairs: PairOrRefusal[], options: Partial<LabelOptions> = {}): Promise<(LabelledPair | Refusal)[]> {
  async function* given() {
    yield* pairs;
  }
  const answers: (LabelledPair | Refusal)[] = [];
  for await (const answer of pseudoLabel({ model, preparer }, given(), { threshold: 0, ...options }))
    answers.push(answer);
  return answers;
}

const picture = await stripes(3, { width: 96, height: 64 });
const caption = "a dog beside the red ball";

test("boxes are those of ground, by phrase, above the threshold", async () => {
  const found = await model.ground(picture, caption, { threshold: 0 });
  const threshold = found[Math.floor(found.length / 2)]!.score;
  const [answer] = (await label([{ file: "a.png", caption, picture }], { threshold })) as LabelledPair[];
  const { file, width, height, regions } = answer!;
  assert.deepEqual([file, width, height], ["a.png", 96, 64]);
  for (const { phrase, span, boxes, scores } of regions) {
    const expected = found.filter((one) => one.label === phrase && one.score > threshold);
    assert.deepEqual(
      scores,
      expected.map(({ score }) => score),
    );
    assert.deepEqual(
      boxes,
      expected.map(({ box }) => [box.xmin, box.ymin, box.xmax, box.ymax]),
    );
    assert.equal(caption.slice(...span), phrase);
  }
  const kept = regions.reduce((sum, { boxes }) => sum + boxes.length, 0);
  assert.equal(kept, found.filter(({ score }) => score > threshold).length);
  assert.ok(kept > 0 && kept < found.length);
});

test("suppression over the caption removes every box that overlaps a better one of any phrase", async () => {
  const pairs = [{ file: "a.png", caption, picture }];
  const count = (answers: unknown[]) =>
    (answers as LabelledPair[])[0]!.regions.reduce((sum, { boxes }) => sum + boxes.length, 0);
  const all = count(await label(pairs));
  const apart = count(await label(pairs, { captionNms: 0.3 }));
  assert.ok(apart > 0 && apart < all, `${apart} of ${all}`);
});

test("pictures whose shorter side is too short are refused", async () => {
  const pair = { file: "a.png", caption, picture };
  const [small] = (await label([pair], { minSide: 65 })) as Refusal[];
  assert.deepEqual([small!.reason, small!.detail], ["small picture", "96 × 64 pixels"]);
  const [enough] = await label([pair], { minSide: 64 });
  assert.ok("regions" in enough!);
});

test("every pair has one result, in order: labels, or the reason for none", async () => {
  const text = (caption: string): PairOrRefusal => ({ file: "a.png", caption, picture });
  const answers = await label(
    [
      text(caption),
      text(""),
      text("x".repeat(10_000_000)),
      text("is and of"),
      text(`a dog ${"and a cat ".repeat(40)}`),
      text(caption),
      { reason: "damaged file", file: "b.tar", detail: "cut", pairs: 0 },
      { file: "b.png", caption, picture: Buffer.from("no picture") },
      { file: "c.png", caption, picture: "/no/such/picture.png" },
      text("ein Hund"),
    ],
    { filters: [(given) => (given.startsWith("ein ") ? "language" : undefined)] },
  );
  assert.deepEqual(
    answers.map((answer) => ("reason" in answer ? answer.reason : answer.file)),
    [
      "a.png",
      "no caption",
      "long caption",
      "no noun phrase",
      "unreadable caption",
      "duplicate",
      "damaged file",
      "unreadable picture",
      "unreadable picture",
      "language",
    ],
  );
  for (const answer of answers) if ("reason" in answer) assert.ok(answer.detail.length <= 300);
});
