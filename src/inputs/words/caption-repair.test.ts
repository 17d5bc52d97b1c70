import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { InputError } from "../../errors.ts";
import { cleanCaption, mend } from "./caption-repair.ts";
import { TracedText } from "./traced-text.ts";

const cases: { text: string; fixed: string }[] = JSON.parse(
  readFileSync(new URL("fixtures/clip-tokens.json", import.meta.url), "utf8"),
);

test("captions are repaired as by ftfy, except text in the wrong encoding", () => {
  const wrong = cases.filter(({ text, fixed }) => mend(TracedText.of(text)).text !== fixed);
  assert.deepEqual(
    wrong.map(({ text }) => text),
    ["schÃ¶n mojibake"],
  );
});

test("entities are decoded twice, as by Python's html.unescape", () => {
  const clean = (text: string) => cleanCaption(text, { repair: false }).text;
  assert.equal(clean("&amp;amp;amp; &amp;lt;"), "&amp; <");
  assert.equal(clean("a&ampb &notit; &nosuch; &#x41;&#66"), "a&b ¬it; &nosuch; ab");
  assert.equal(clean("x&#0;y&#x80;z&#1;&#xd800;&#x110000;&#xfffe;."), "x\ufffdy€z\ufffd\ufffd.");
});

test("entities next to a tag are only decoded twice", () => {
  assert.equal(cleanCaption("<b>&amp;amp;amp;").text, "<b>&amp;");
  assert.equal(cleanCaption("b&amp;amp;amp;amp;").text, "b&");
});

test("white space is Unicode's, and a sigma at the end of a word is a final one", () => {
  assert.equal(cleanCaption("\u0085A\u00a0\t B\ufeffC ΟΔΟΣ\x1f", { repair: false }).text, "a b\ufeffc οδος");
});

test("a text without errors keeps its characters and positions", () => {
  const clean = cleanCaption("Two DOGS");
  assert.equal(clean.text, "two dogs");
  assert.deepEqual(clean.spanOf(4, 8), [4, 8]);
});

test("what would take time by the square of its length takes a moment, or is refused", () => {
  const before = process.cpuUsage();
  assert.throws(() => cleanCaption(`&${"amp;".repeat(20_000)}`), InputError);
  for (const text of [
    `x${" ".repeat(200_000)}x`,
    `a${"\u0301\u0327".repeat(60_000)}`,
    "&".repeat(100_000),
    `&#${"9".repeat(200_000)};`,
  ])
    cleanCaption(text);
  const { user } = process.cpuUsage(before);
  assert.ok(user < 10e6, `${user / 1e6} s`);
});
