import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { InputError } from "../../errors.ts";
import { phraseSpans, positiveMap, tokenPositions } from "./spans.ts";
import { WordPieces } from "./word-pieces.ts";

const pieces = WordPieces.parse(readFileSync(new URL("fixtures/vocab.txt", import.meta.url), "utf8"));
const caption = "person. traffic light. red car";
const encoding = pieces.encode(caption); // [CLS] person . traffic light . red car [SEP]

test("a span gets the tokens from its first to its last character", () => {
  assert.deepEqual(tokenPositions(encoding, [0, 6]), [1]);
  assert.deepEqual(tokenPositions(encoding, [8, 21]), [3, 4]);
  assert.deepEqual(tokenPositions(encoding, [23, 30]), [6, 7]);
});

test("ends on spaces move inwards by up to two characters", () => {
  assert.deepEqual(tokenPositions(encoding, [7, 21]), [3, 4]);
  assert.deepEqual(tokenPositions(pieces.encode("  red  "), [0, 7]), [1]);
  assert.deepEqual(tokenPositions(pieces.encode("   red"), [0, 6]), []);
});

test("a span past the end or without characters has no tokens", () => {
  assert.deepEqual(tokenPositions(encoding, [100, 110]), []);
  assert.deepEqual(tokenPositions(encoding, [7, 7]), []);
  assert.deepEqual(tokenPositions(encoding, [0, 0]), []);
});

test("tokens beyond the model's maximum do not count", () => {
  assert.deepEqual(tokenPositions(encoding, [8, 21], 4), []);
  assert.deepEqual(tokenPositions(encoding, [8, 15], 4), [3]);
});

test("a positive map has a row of zeros and ones per box, over all of its spans", () => {
  const map = positiveMap(
    encoding,
    [
      [[0, 6]],
      [
        [8, 21],
        [23, 26],
      ],
      [],
    ],
    10,
  );
  assert.deepEqual([...map.subarray(0, 10)], [0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual([...map.subarray(10, 20)], [0, 0, 0, 1, 1, 0, 1, 0, 0, 0]);
  assert.ok(map.subarray(20).every((value) => value === 0));
});

test("phrases are found regardless of case, whole words first", () => {
  assert.deepEqual(phraseSpans("Cattle and a cat.", ["a CAT", "cat", "cattle"]), [
    [11, 16],
    [13, 16],
    [0, 6],
  ]);
  assert.deepEqual(phraseSpans("(a+b) cars", ["(a+b)", "car"]), [
    [0, 5],
    [6, 9],
  ]);
});

test("every printable mark may occur in a phrase", () => {
  const marks = Array.from({ length: 94 }, (_, k) => String.fromCharCode(33 + k));
  for (const mark of marks) assert.deepEqual(phraseSpans(`one a${mark}b two`, [`a${mark}b`]), [[4, 7]]);
});

test("a phrase given twice takes its next occurrence", () => {
  assert.deepEqual(phraseSpans("a dog and a dog", ["a dog", "A dog", "a dog"]), [
    [0, 5],
    [10, 15],
    [0, 5],
  ]);
});

test("all phrases that are not in the caption are named", () => {
  assert.throws(
    () => phraseSpans("a dog", ["a cat", "a dog", ""]),
    (error) => error instanceof InputError && /"a dog" does not contain "a cat", ""/.test(error.message),
  );
});
