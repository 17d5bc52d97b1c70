import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { NameList } from "./name-list.ts";
import { nameListSchema } from "./name-list-schema.ts";
import { captionRemarks, nameRemarks, unknownNames } from "./name-remarks.ts";
import { WordPieces } from "./word-pieces.ts";

const pieces = WordPieces.parse(readFileSync("assets/models/everyday/vocab.txt", "utf8"));
const names = new NameList(
  nameListSchema.parse(JSON.parse(readFileSync("assets/models/everyday/names.json", "utf8"))),
  [["cat"], ["cup"]],
);

test("a list with commas is read as one name, and the remark shows both ways to separate names", () => {
  assert.deepEqual(nameRemarks(pieces, ["cat, cup"], names), [
    '"cat, cup" is read as one name; for several names write "cat. cup.", or --classes cat,cup',
  ]);
  assert.match(
    nameRemarks(pieces, ["cat、traffic light"], names)[0]!,
    /"cat\. traffic light\.", or --classes "cat,traffic light"/,
  );
});

test("words in another script and emoji are reported, with what the model reads", () => {
  assert.deepEqual(nameRemarks(pieces, ["猫", "🐱", "👨🏽", "🧿"], names), [
    'emoji are read as names: 🐱 as "cat", 👨🏽 as "man"',
    'in photos the model finds "man" as "person"',
    'the vocabulary of the model does not contain "猫", "🧿"; write English names',
  ]);
});

test("names outside the training data are reported, and a long list is shortened", () => {
  assert.deepEqual(nameRemarks(pieces, ["cat", "alembic"], names), [
    'the model was not trained on "alembic", so its detections of these are guesses',
  ]);
  const many = Array.from({ length: 13 }, (_, k) => `alembic ${k}`);
  assert.match(nameRemarks(pieces, many, names)[0]!, /"alembic 9" and 3 more, so/);
});

test("for a model without a list of names, only names outside its vocabulary are unknown", () => {
  assert.deepEqual(unknownNames(pieces, ["alembic", "qwzx", "猫", "red 🐱"]), ["猫", "red 🐱"]);
  assert.deepEqual(nameRemarks(pieces, ["alembic", "man"]), []);
});

test("in a caption the phrases are checked, and all of it for unreadable characters", () => {
  const caption = "an alembic and two kittens beside a 🐱";
  assert.deepEqual(captionRemarks(pieces, { caption, phrases: ["an alembic", "two kittens"] }, names), [
    'in photos the model finds "two kittens" as "cat"',
    'the vocabulary of the model does not contain "🐱"; write English names',
    'the model was not trained on "an alembic", so its detections of these are guesses',
  ]);
});
