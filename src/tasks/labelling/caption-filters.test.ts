import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { captionFilters } from "./caption-filters.ts";

/** Lines of a fixture without its notes. */
function captionsOf(path: string): string[] {
  const lines = readFileSync(new URL(path, import.meta.url), "utf8").split("\n");
  return lines.filter((line) => line !== "" && !line.startsWith("#"));
}

test("captions in other languages are refused and English ones pass", async () => {
  const [filter] = await captionFilters({ language: "en" });
  const english = captionsOf("../../inputs/words/fixtures/noun-phrases.txt").map((line) => line.replace(/[[\]]/g, ""));
  const refused = english.filter((caption) => filter!(caption) !== undefined);
  assert.ok(english.length >= 300 && refused.length <= 0.01 * english.length, refused.join("\n"));
  const foreign = captionsOf("./fixtures/foreign-captions.txt");
  const passed = foreign.filter((caption) => filter!(caption) === undefined);
  assert.ok(foreign.length >= 60 && passed.length <= 0.05 * foreign.length, passed.join("\n"));
  for (const unclear of ["dog", "12345", "IMG_2034.JPG", "Barack Obama", "HOTEL SANTA MARIA - ROME"])
    assert.equal(filter!(unclear), undefined);
  const [german] = await captionFilters({ language: "de" });
  assert.deepEqual(
    [german!("ein Hund läuft auf der Wiese"), german!("a dog runs across the lawn")],
    [undefined, "another language"],
  );
});

test("captions with too few or too many words are refused, and so is an unsupported language", async () => {
  const [filter] = await captionFilters({ words: [2, 4] });
  const said = ["dog", "a dog", "a dog and cats", " a  dog and two cats"].map((caption) => filter!(caption));
  assert.deepEqual(said, ["few words", undefined, undefined, "many words"]);
  assert.deepEqual(await captionFilters({}), []);
  await assert.rejects(captionFilters({ language: "klingon" }), {
    name: "InputError",
    message: /klingon.*use one of.* en,/,
  });
});
