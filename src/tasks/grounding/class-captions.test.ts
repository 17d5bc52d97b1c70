import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Random } from "../../data/random.ts";
import { WordPieces } from "../../inputs/words/word-pieces.ts";
import { ClassCaptions } from "./class-captions.ts";
import { vocabulary } from "./fixtures/tiny-model.ts";

const pieces = WordPieces.parse(readFileSync(vocabulary, "utf8"));
const names = ["dog", "cat", "traffic_light", "apple", "chair", "car", "bus", "tree", "book", "key", "cup", "clock"];
const always = { most: 5, one: 0, none: 0, all: 1, tokens: 48 };

function captionsOf(options: Partial<typeof always>, present = ["dog", "traffic_light"], unfinished: string[] = []) {
  const captions = new ClassCaptions(names, pieces, { ...always, ...options });
  return Array.from({ length: 200 }, (_, i) => captions.captionFor({ present, unfinished }, new Random(1, i)));
}
const listed = (caption: string) => caption.split(". ");

test("names are cleaned and shuffled, and spans are by the original names", () => {
  const made = captionsOf({});
  for (const { caption, spans } of made)
    for (const [name, words] of [
      ["dog", "dog"],
      ["traffic_light", "traffic light"],
    ] as const)
      assert.equal(caption.slice(...spans.get(name)!), words);
  assert.ok(new Set(made.map(({ caption }) => listed(caption).indexOf("dog"))).size > 3);
});

test("with the option for order, every caption has all names in the order of the set", () => {
  const captions = new ClassCaptions(names, pieces, { ...always, most: 12, ordered: true });
  for (let i = 0; i < 20; i++) {
    const { caption } = captions.captionFor({ present: ["cup", "dog"], unfinished: [] }, new Random(i));
    assert.deepEqual(
      listed(caption).map((name) => name.trim()),
      names.map((name) => name.replace("_", " ")),
    );
  }
});

test("in order, a name that may be in the picture without a box keeps its place and is marked", () => {
  const captions = new ClassCaptions(names, pieces, { ...always, most: 12, ordered: true });
  const asked = { present: ["dog", "cup"], unfinished: ["traffic_light", "cup"] };
  const { caption, unsure } = captions.captionFor(asked, new Random(1));
  assert.deepEqual(listed(caption).length, names.length);
  assert.deepEqual(
    unsure.map((span) => caption.slice(...span)),
    ["traffic light"],
  );
});

test("the probabilities decide the number of absent names; a drawn name that is present is not replaced", () => {
  const counts = (options: Partial<typeof always>) =>
    captionsOf(options).map(({ caption }) => listed(caption).length - 2);
  assert.deepEqual(new Set(counts({ none: 1, all: 0 })), new Set([0]));
  assert.deepEqual(new Set(counts({ one: 1, all: 0 })), new Set([0, 1]));
  assert.deepEqual(new Set(counts({})), new Set([3, 4, 5]));
  assert.deepEqual(new Set(counts({ all: 0 })), new Set([0, 1, 2, 3, 4, 5]));
  const full = counts({ all: 0.5, most: 12 }).filter((count) => count === 10).length;
  assert.ok(full > 100 && full < 140, `${full} of 200: a half, and a twelfth of the rest; 11 of 12 is 10, too`);
});

test("names that may be in the picture without a box are never used as absent names", () => {
  const made = captionsOf({ most: 12 }, ["dog"], ["cat", "apple"]);
  for (const { caption } of made) assert.ok(!/cat|apple/.test(caption), caption);
  assert.ok(made.some(({ caption }) => caption.includes("chair")));
});

test("a caption never has more than its tokens; present names that do not fit are dropped, at random", () => {
  const made = captionsOf({ tokens: 9 }, names);
  for (const { caption, spans } of made) {
    assert.ok(pieces.encode(caption).ids.length <= 9, caption);
    assert.equal(spans.size, listed(caption).length);
  }
  assert.deepEqual(new Set(made.flatMap(({ spans }) => [...spans.keys()])), new Set(names));
  for (const { caption } of captionsOf({ tokens: 14 })) assert.ok(pieces.encode(caption).ids.length <= 14, caption);
});

test("names that are equal after cleaning are one class", () => {
  const captions = new ClassCaptions(["bow_(weapon)", "bow_(ribbon)"], pieces, always);
  for (let i = 0; i < 20; i++) {
    const { caption, spans } = captions.captionFor({ present: ["bow_(ribbon)"], unfinished: [] }, new Random(i));
    assert.equal(caption, "bow ");
    assert.deepEqual([...spans], [["bow_(ribbon)", [0, 4]]]);
  }
});
