import assert from "node:assert/strict";
import { test } from "node:test";
import { chaptersOf, sentencesOf } from "./sentences.ts";
import type { Word } from "./transcript.ts";

/** Words of 0.2 s each, one after another, with pauses where the text has a number. */
function spoken(text: string): Word[] {
  let time = 0;
  return text.split(" ").flatMap((part) => {
    if (/^[\d.]+$/.test(part)) {
      time += Number(part);
      return [];
    }
    time += 0.2;
    return [{ text: part, start: time - 0.2, end: time }];
  });
}

test("sentences end at punctuation and at pauses, not at abbreviations", () => {
  const texts = sentencesOf(spoken("Dr. Smith cuts the bread. Then 0.5 he eats 0.8 it")).map(({ text }) => text);
  assert.deepEqual(texts, ["Dr. Smith cuts the bread.", "Then he eats", "it"]);
});

test("without punctuation a shorter pause ends a sentence, and no sentence is longer than 30 words", () => {
  assert.deepEqual(
    sentencesOf(spoken("cut it 0.4 eat it")).map(({ text }) => text),
    ["cut it", "eat it"],
  );
  const many = sentencesOf(spoken("a ".repeat(65).trim()));
  assert.deepEqual(
    many.map(({ text }) => text.split(" ").length),
    [30, 30, 5],
  );
});

test("chapters are read from three growing times that begin at 0:00", () => {
  const text = "My video\n0:00 Start\n1:05 - Chop: onions\n1:00:00 End\nBye";
  assert.deepEqual(chaptersOf(text, 4000), [
    { text: "Start", start: 0, end: 65 },
    { text: "Chop: onions", start: 65, end: 3600 },
    { text: "End", start: 3600, end: 4000 },
  ]);
  assert.deepEqual(chaptersOf("0:00 a\n1:00 b", 100), []);
  assert.deepEqual(chaptersOf("0:10 a\n1:00 b\n2:00 c", 300), []);
  assert.deepEqual(chaptersOf("0:00 a\n2:00 b\n1:00 c", 300), []);
});
