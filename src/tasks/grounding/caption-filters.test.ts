import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { captionFilters } from "./caption-filters.ts";

const foreign = [
  "ein Hund läuft auf der Wiese",
  "Zwei Frauen trinken Kaffee in einem Straßencafé",
  "Ein rotes Fahrrad steht vor dem Haus",
  "un chien court sur la pelouse",
  "Deux femmes boivent un café en terrasse",
  "Un vélo rouge devant la maison",
  "un perro corre por el césped",
  "Dos mujeres toman café en una terraza",
  "gato en el sofá",
  "Due donne bevono il caffè in un bar",
  "Bambini che giocano nella neve",
  "um cachorro corre na grama",
  "Duas mulheres tomam café na calçada",
  "een hond rent over het gras",
  "Een rode fiets voor het huis",
  "pies biegnie po trawie",
  "Czerwony rower przed domem",
  "собака бежит по траве",
  "犬が芝生の上を走っている",
  "两个女人在喝咖啡",
];

test("captions in another language are told from English ones, which pass", async () => {
  const [filter] = await captionFilters({ language: "en" });
  const english = readFileSync(new URL("../../inputs/fixtures/noun-phrases.txt", import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.replace(/[[\]]/g, ""));
  const refused = english.filter((caption) => filter!(caption) !== undefined);
  assert.ok(english.length >= 300 && refused.length <= 0.01 * english.length, refused.join("\n"));
  const passed = foreign.filter((caption) => filter!(caption) === undefined);
  assert.ok(passed.length <= 1, passed.join("\n"));
  assert.equal(filter!("IMG 4711"), undefined);
  const [german] = await captionFilters({ language: "de" });
  assert.deepEqual(
    [german!("ein Hund läuft auf der Wiese"), german!("a dog runs across the lawn")],
    [undefined, "another language"],
  );
});

test("words are counted, and a language that cannot be told is refused", async () => {
  const [filter] = await captionFilters({ words: [2, 4] });
  const said = ["dog", "a dog", "a dog and cats", " a  dog and two cats"].map((caption) => filter!(caption));
  assert.deepEqual(said, ["few words", undefined, undefined, "many words"]);
  assert.deepEqual(await captionFilters({}), []);
  await assert.rejects(captionFilters({ language: "klingon" }), {
    name: "InputError",
    message: /klingon.*give one of.* en,/,
  });
});
