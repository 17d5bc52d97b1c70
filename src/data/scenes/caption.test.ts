import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../random.ts";
import { describe } from "./caption.ts";
import type { SceneObject } from "./compose.ts";
import { plural, withArticle } from "./english.ts";
import { relationBetween } from "./relations.ts";

function thing(name: string, box: SceneObject["box"], colour?: "red" | "green", visible = 1): SceneObject {
  return { name, style: "noto", icon: name, box, visible, attributes: { colour, size: undefined } };
}

const apples = [thing("apple", [0, 40, 20, 60], "red"), thing("apple", [0, 50, 20, 70], "red")];
const chair = thing("chair", [50, 30, 90, 90]);

test("captions state number, colour and position of things, each with its span", () => {
  const captions = Array.from({ length: 80 }, (_, seed) => describe([...apples, chair], new Random(seed)));
  const texts = captions.map(({ caption }) => caption);
  assert.ok(texts.includes("two red apples left of a chair."), texts.join("\n"));
  assert.ok(texts.includes("a chair and two apples."));
  assert.ok(!texts.some((text) => text.startsWith("a chair right of")), "a relation is to one thing alone");
  for (const { caption, phrases } of captions) {
    assert.deepEqual(phrases.map((phrase) => phrase.objects).sort(), [[0, 1], [2]]);
    for (const { span, text } of phrases) assert.equal(caption.slice(...span), text);
  }
});

test("things of one name are split by colour only if the colour of all of them is stated", () => {
  const mixed = [
    thing("key", [0, 0, 9, 9], "red"),
    thing("key", [20, 0, 29, 9], "green"),
    thing("key", [40, 0, 49, 9]),
  ];
  for (let seed = 0; seed < 40; seed++) {
    assert.match(describe(mixed, new Random(seed)).caption, /three keys/);
    assert.match(
      describe(mixed.slice(0, 2), new Random(seed)).caption,
      /two keys|a (red|green) key.* a (red|green) key/,
    );
  }
});

test("a relation is stated only if it holds for every thing of the phrase", () => {
  assert.equal(relationBetween(apples, [chair]), "left of");
  assert.equal(relationBetween([chair], [apples[0]!]), "right of");
  assert.equal(relationBetween([chair], apples), undefined);
  assert.equal(relationBetween([thing("lamp", [60, 0, 80, 30])], [chair]), "above");
  assert.equal(relationBetween([chair], [thing("lamp", [60, 0, 80, 30])]), "below");
  assert.equal(relationBetween([thing("lamp", [0, 0, 20, 20])], [chair]), undefined, "neither beside nor above");
  const hidden = thing("box", [40, 20, 70, 60], undefined, 0.7);
  assert.equal(relationBetween([chair], [hidden]), "in front of");
  assert.equal(relationBetween([hidden], [chair]), undefined);
});

test("nouns and articles follow English", () => {
  const plurals = [
    "bus",
    "box",
    "strawberry",
    "key",
    "mouse",
    "computer mouse",
    "knife",
    "fish",
    "scissors",
    "tomato",
  ].map(plural);
  const expected = "buses boxes strawberries keys mice computer mice knives fish scissors tomatoes";
  assert.equal(plurals.join(" "), expected);
  const articles = [
    withArticle("", "apple"),
    withArticle("red ", "apple"),
    withArticle("", "unicorn"),
    withArticle("", "jeans"),
  ];
  assert.deepEqual(articles, ["an apple", "a red apple", "a unicorn", "jeans"]);
});
