import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { expandRuns, maskArea } from "../../src/boxes/masks/run-lengths.ts";
import { WordPieces } from "../../src/inputs/words/word-pieces.ts";
import { AnyWords } from "../../src/inputs/words/words.ts";
import { glipPictures } from "../../src/models/parts/glip-pictures.ts";
import { GroundingModel } from "../../src/tasks/finding/grounding-model.ts";
import { Predictor } from "../../src/tasks/finding/predictor.ts";
import { tinyModel } from "../../src/tasks/grounding/fixtures/tiny-model.ts";
import { glipNano } from "./golden.ts";
import { nanoV2, needsGlipV2 } from "./golden-glipv2.ts";

const raw = {
  channels: 3 as const,
  width: 160,
  height: 120,
  data: Uint8Array.from({ length: 160 * 120 * 3 }, (_, i) => (i * 37 + (i >> 7) * 11) % 256),
};
const words = () => new AnyWords(WordPieces.parse(readFileSync(join(glipNano!, "vocab.txt"), "utf8")));
const preparation = { ...glipPictures, size: { short: 128, max: 192 } };

test("one model segments, answers and describes, with the boxes of phrases if asked", {
  skip: needsGlipV2,
}, async () => {
  const { model, weights } = await nanoV2();
  const all = new GroundingModel(new Predictor(model, weights, { threads: 1 }), words(), preparation);
  const options = { threshold: 0, textThreshold: 0, topK: 5 };
  const found = await all.segment(raw, ["person", "red car"], options);
  assert.ok(found.length > 0);
  assert.deepEqual(
    found.map(({ mask, ...detection }) => detection),
    await all.detect(raw, ["person", "red car"], options),
  );
  for (const { mask, box } of found) {
    assert.deepEqual(mask.size, [120, 160]);
    const area = maskArea({ height: 120, width: 160, counts: expandRuns(mask.counts) });
    assert.ok(area <= (box.xmax - box.xmin + 16) * (box.ymax - box.ymin + 16));
  }
  const { answer, answers, phrases } = await all.answer(raw, "Is the woman near the flag?", {
    ground: true,
    threshold: 0,
  });
  assert.equal(answer, answers[0]!.answer);
  assert.equal(answers.length, 5);
  assert.ok(phrases!.every(({ label }) => /woman|flag/.test(label)));
  assert.equal((await all.answer(raw, "Is the woman near the flag?")).phrases, undefined);
  const masked = await all.describe(raw, { most: 8, ground: "masks", threshold: 0, topK: 3 });
  assert.ok(masked.phrases!.every(({ mask, span, label }) => mask && masked.caption.slice(...span).includes(label)));
  assert.deepEqual((await all.answer(raw, "Is it?", { ground: true })).phrases, []);
  const one = await all.describe(raw, { beams: 1, most: 8 });
  const five = await all.describe(raw, { beams: 5, most: 8 });
  assert.ok(one.caption.length > 0 && five.score >= one.score - 1e-6);
  await assert.rejects(all.answer(raw, " ?! "), /the question " \?! " has no words; ask with words/);
  await assert.rejects(all.describe(raw, { beams: 0 }), /beams is 0; give a whole number from 1 to 20/);
  await all.dispose();
});

test("a model without a head says which models have it", { skip: needsGlipV2 }, async () => {
  const { model, weights } = tinyModel();
  const plain = new GroundingModel(new Predictor(model, weights, { threads: 1 }), words(), preparation);
  await assert.rejects(
    plain.segment(raw, ["cat"]),
    /no mask head; it can detect, ground; load a GLIPv2 model whose config.json has heads.masks/,
  );
  await assert.rejects(
    plain.answer(raw, "What?"),
    /no answer head; it can detect, ground; load a GLIPv2 model whose config.json has answers/,
  );
  await assert.rejects(
    plain.describe(raw),
    /no caption head; it can detect, ground; load a GLIPv2 model whose config.json has heads.captions/,
  );
  await plain.dispose();
});
