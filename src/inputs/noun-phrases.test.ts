import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { nounPhrases } from "./noun-phrases.ts";

const found = (caption: string) => nounPhrases(caption).map(({ text }) => text);

test("of the phrases in 62 annotated captions at least 92 % are found, in exact characters (F1)", () => {
  const lines = readFileSync(new URL("fixtures/captions.txt", import.meta.url), "utf8")
    .trim()
    .split("\n");
  let annotated = 0;
  let answered = 0;
  let right = 0;
  for (const line of lines) {
    const { caption, spans } = parse(line);
    const answers = nounPhrases(caption).map(({ span }) => span.join());
    annotated += spans.length;
    answered += answers.length;
    right += answers.filter((answer) => spans.includes(answer)).length;
  }
  assert.equal(lines.length, 62);
  const score = (2 * right) / (annotated + answered);
  assert.ok(score >= 0.92, `F1 ${score.toFixed(3)}: ${right} right of ${answered} answers, ${annotated} annotated`);
});

/** A line such as "[A cat] on [a mat]." */
function parse(line: string) {
  const spans: string[] = [];
  let caption = "";
  for (const part of line.split(/(\[.*?\])/)) {
    const words = part.replace(/^\[|\]$/g, "");
    if (words !== part) spans.push(`${caption.length},${caption.length + words.length}`);
    caption += words;
  }
  return { caption, spans };
}

test("a phrase keeps its determiner, numbers, participles and possessor", () => {
  assert.deepEqual(found("Two smiling men hold the girl's old kite"), ["Two smiling men", "the girl's old kite"]);
});

test("a phrase that occurs twice is found twice, with its own characters", () => {
  const phrases = nounPhrases("A dog chases a dog.");
  assert.deepEqual(phrases, [
    { text: "A dog", span: [0, 5] },
    { text: "a dog", span: [13, 18] },
  ]);
});

test("characters are counted in the caption as it was given", () => {
  const caption = "👍  A  red\ncar, “the café”";
  for (const { text, span } of nounPhrases(caption)) assert.equal(caption.slice(...span), text);
  assert.ok(found(caption).includes("the café"));
});

test("words that only say where are left out", () => {
  assert.deepEqual(found("A chair in front of a house on the left"), ["A chair", "a house"]);
});

test("verbs that look like nouns end a phrase", () => {
  assert.deepEqual(found("A cow grazes in a field"), ["A cow", "a field"]);
  assert.deepEqual(found("He throws her a red ball"), ["a red ball"]);
  assert.deepEqual(found("The traffic lights on the street"), ["The traffic lights", "the street"]);
});

test("captions without nouns have no phrases", () => {
  for (const caption of ["", "   ", "...!?", "\0\0", "the", "is and of"]) assert.deepEqual(found(caption), []);
});

test("names of object members are words like any other", () => {
  assert.deepEqual(found("the constructor and the prototype"), ["the constructor", "the prototype"]);
  assert.doesNotThrow(() => nounPhrases("__proto__ toString hasOwnProperty valueOf"));
});
