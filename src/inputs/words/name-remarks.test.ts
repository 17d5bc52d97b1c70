import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { NameList, nameListSchema } from "./name-list.ts";
import { captionRemarks, nameRemarks, unknownNames } from "./name-remarks.ts";
import { WordPieces } from "./word-pieces.ts";

const pieces = WordPieces.parse(readFileSync("assets/models/everyday/vocab.txt", "utf8"));
const names = new NameList(
  nameListSchema.parse(JSON.parse(readFileSync("assets/models/everyday/names.json", "utf8"))),
  [["cat"], ["cup"]],
);

test("a list with commas is read as one name, and the remark writes both ways to part it", () => {
  assert.deepEqual(nameRemarks(pieces, ["cat, cup"], names), [
    '"cat, cup" is read as one name; for several names write "cat. cup.", or --classes cat,cup',
  ]);
  assert.match(
    nameRemarks(pieces, ["cat、traffic light"], names)[0]!,
    /"cat\. traffic light\.", or --classes "cat,traffic light"/,
  );
});

test("words of another script and emoji are told as what is read of them", () => {
  assert.deepEqual(nameRemarks(pieces, ["猫", "🐱", "👨🏽", "🧿"], names), [
    'emoji are read as names: 🐱 as "cat", 👨🏽 as "man"',
    'in photos the model finds "man" as "person"',
    'the model cannot read "猫", "🧿", which its vocabulary lacks; write English names',
  ]);
});

test("names that no training showed are told, and a long list of them is cut", () => {
  assert.deepEqual(nameRemarks(pieces, ["cat", "alembic"], names), [
    'the model does not know "alembic": no training showed it, and its answers are guesses',
  ]);
  const many = Array.from({ length: 13 }, (_, k) => `alembic ${k}`);
  assert.match(nameRemarks(pieces, many, names)[0]!, /"alembic 9" and 3 more: /);
});

test("of a model that lists no names only what its vocabulary lacks is unknown", () => {
  assert.deepEqual(unknownNames(pieces, ["alembic", "qwzx", "猫", "red 🐱"]), ["猫", "red 🐱"]);
  assert.deepEqual(nameRemarks(pieces, ["alembic", "man"]), []);
});

test("of a caption the phrases are judged, and all of it for what cannot be read", () => {
  const caption = "an alembic and two kittens beside a 🐱";
  assert.deepEqual(captionRemarks(pieces, { caption, phrases: ["an alembic", "two kittens"] }, names), [
    'in photos the model finds "two kittens" as "cat"',
    'the model cannot read "🐱", which its vocabulary lacks; write English names',
    'the model does not know "an alembic": no training showed it, and its answers are guesses',
  ]);
});
