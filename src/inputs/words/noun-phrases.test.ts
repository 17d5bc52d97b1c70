import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { nounPhrases } from "./noun-phrases.ts";

const found = (caption: string) => nounPhrases(caption).map(({ text }) => text);

for (const [fixture, captions, bare, leastHeads] of [
  ["captions.txt", 62, false, 0.96],
  ["noun-phrases.txt", 327, true, 0.98],
] as const)
  test(`the phrases of ${captions} annotated captions are found with an F1 of 92 % for exact characters, and ${100 * leastHeads} % of their last words`, () => {
    const lines = annotated(fixture);
    assert.equal(lines.length, captions);
    const { exact, heads } = score(lines, bare);
    assert.ok(exact >= 0.92, `F1 ${exact.toFixed(4)}`);
    assert.ok(heads >= leastHeads, `heads ${heads.toFixed(4)}`);
  });

test("the even captions, for which no rule was written, reach the same scores", () => {
  const { exact, heads } = score(
    annotated("noun-phrases.txt").filter((_, k) => k % 2 === 1),
    true,
  );
  assert.ok(exact >= 0.95, `F1 ${exact.toFixed(4)}`);
  assert.ok(heads >= 0.96, `heads ${heads.toFixed(4)}`);
});

function annotated(fixture: string): string[] {
  const lines = readFileSync(new URL(`fixtures/${fixture}`, import.meta.url), "utf8")
    .trim()
    .split("\n");
  return lines.filter((line) => !line.startsWith("#"));
}

/** F1 of exact characters, and the share of annotated phrases whose last character ends an answer. */
function score(lines: readonly string[], bare: boolean) {
  const sum = { annotated: 0, answered: 0, right: 0, heads: 0 };
  for (const line of lines) {
    const { caption, spans } = parse(line);
    const answers = nounPhrases(caption).map((phrase) => (bare ? phrase.bare : phrase.span).join());
    const ends = answers.map((answer) => answer.split(",")[1]);
    sum.annotated += spans.length;
    sum.answered += answers.length;
    sum.right += answers.filter((answer) => spans.includes(answer)).length;
    sum.heads += spans.filter((span) => ends.includes(span.split(",")[1])).length;
  }
  return { exact: (2 * sum.right) / (sum.annotated + sum.answered), heads: sum.heads / sum.annotated };
}

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
    { text: "A dog", span: [0, 5], bare: [2, 5], nouns: ["dog"] },
    { text: "a dog", span: [13, 18], bare: [15, 18], nouns: ["dog"] },
  ]);
});

test("characters are counted in the original caption", () => {
  const caption = "👍  A  red\ncar, “the café”";
  for (const { text, span } of nounPhrases(caption)) assert.equal(caption.slice(...span), text);
  assert.ok(found(caption).includes("the café"));
});

test("words that only state a position are left out", () => {
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

test("names of JavaScript object members are ordinary words", () => {
  assert.deepEqual(found("the constructor and the prototype"), ["the constructor", "the prototype"]);
  assert.doesNotThrow(() => nounPhrases("__proto__ toString hasOwnProperty valueOf"));
});

test("a caption of 10 MB is read completely", () => {
  const part = "a red, green and blue kite 👍 \0 over and over, ";
  const caption = part.repeat(Math.ceil(1e7 / part.length));
  assert.equal(nounPhrases(caption).length, caption.length / part.length);
  for (const hard of ["red, ", "x", "the ", "two ", "very "])
    assert.doesNotThrow(() => nounPhrases(hard.repeat(100_000)));
});
