import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { readRecipe } from "./recipe.ts";

const repository = resolve(".");
const folder = mkdtempSync(join(tmpdir(), "recipes-"));
before(() => process.chdir(folder));
after(() => {
  process.chdir(repository);
  rmSync(folder, { recursive: true });
});

test("a recipe of the package is found by its name and its path, and its files from any folder", () => {
  const own = join(repository, "recipes", "first-world.json");
  for (const given of ["first-world", "first-world.json", "recipes/first-world.json", own])
    assert.equal(readRecipe(given).words, join(repository, "assets/words"));
  const { from } = readRecipe("self-training");
  assert.ok(existsSync(from!), from);
});

test("files in the recipe's folder are found, after those in the working directory", () => {
  const beside = join(folder, "mine");
  const recipe = JSON.parse(readFileSync(join(repository, "recipes", "from-disk.json"), "utf8"));
  mkdirSync(join(beside, "set"), { recursive: true });
  recipe.data.sources = [{ data: "set", weight: 1 }];
  delete recipe.data.heldOut;
  writeFileSync(join(beside, "recipe.json"), JSON.stringify(recipe));
  const data = () => {
    const read = readRecipe(join(beside, "recipe.json")).data;
    return read.kind === "datasets" ? read.sources.map((source) => source.data) : [];
  };
  assert.deepEqual(data(), [join(beside, "set")]);
  mkdirSync(join(folder, "set"));
  assert.deepEqual(data(), ["set"]);
});

test("a missing recipe and missing words are refused with the available ones", () => {
  assert.throws(() => readRecipe("second-world"), {
    name: "RecipeError",
    message: /^second-world: no such recipe; .*: .*dynamic-head, first-world, from-disk/,
  });
  assert.throws(() => readRecipe("first-world", ["words=assets/none"]), {
    name: "RecipeError",
    message: /words: found no assets\/none in the working directory, in the recipe.s folder or in the package/,
  });
});
