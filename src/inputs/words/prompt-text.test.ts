import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { promptOfText } from "./prompt-text.ts";
import { WordPieces } from "./word-pieces.ts";

const vocabulary = new URL("../../../assets/words/vocab.txt", import.meta.url);
const pieces = WordPieces.parse(readFileSync(vocabulary, "utf8"));

test("a prompt given as text is used as written, with the positions of its names", () => {
  const prompt = promptOfText(pieces, "car.  red car. dog. car.");
  assert.deepEqual(prompt.labels, ["car", "red car", "dog"]);
  assert.equal(prompt.passes.length, 1);
  assert.equal(prompt.passes[0]!.caption, "car.  red car. dog. car.");
  assert.deepEqual(prompt.passes[0]!.labelTokens, [[1], [3, 4], [6]]);
});

test("a text that is too long becomes several captions, and no name is lost", () => {
  const names = Array.from({ length: 60 }, (_, i) => `thing ${i}`);
  const { labels, passes } = promptOfText(pieces, `${names.join(". ")}.`, { maxTokens: 64 });
  assert.deepEqual(labels, names);
  assert.ok(passes.length > 1);
  assert.deepEqual(
    passes.flatMap(({ classes }) => classes),
    names.map((_, i) => i),
  );
});

test("names without a word are listed", () => {
  assert.throws(() => promptOfText(pieces, "dog. \u0007\u0008. cat"), /without words:/);
  assert.throws(() => promptOfText(pieces, " . . "), /has no names/);
});
