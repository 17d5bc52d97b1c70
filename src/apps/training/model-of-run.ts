/** The model that a recipe trains, and what it reads. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readSource } from "../../data/training/sources.ts";
import { RecipeError } from "../../errors.ts";
import { KnownClasses } from "../../inputs/words/known-classes.ts";
import { WordPieces } from "../../inputs/words/word-pieces.ts";
import { dynamicHead } from "../../models/dynamic-head/dynamic-head.ts";
import { glip } from "../../models/glip/glip.ts";
import type { Detector } from "../../models/parts/detector.ts";
import type { Words } from "../../tasks/finding/grounding-model.ts";
import { type Recipe, wordsOf } from "./recipe.ts";

export interface ModelOfRun {
  model: Detector;
  /** With the classes of a Dynamic Head, so that a checkpoint says them. */
  config: Recipe["model"];
  words: Words;
}

/** A Dynamic Head's classes are those of its datasets, in their order. Throws RecipeError where there are none. */
export async function modelOfRun(recipe: Recipe): Promise<ModelOfRun> {
  if (recipe.model.kind === "dynamic-head") {
    const config = { ...recipe.model, classes: recipe.model.classes ?? (await classesOf(recipe)) };
    return { model: dynamicHead(config), config, words: new KnownClasses(config.classes) };
  }
  const words = WordPieces.parse(readFileSync(join(wordsOf(recipe), "vocab.txt"), "utf8"));
  return { model: glip(recipe.model), config: recipe.model, words };
}

async function classesOf({ data }: Recipe): Promise<string[]> {
  if (data.kind !== "datasets")
    throw new RecipeError("a Dynamic Head finds the classes of its datasets; data.kind must be datasets");
  const sources = await Promise.all(data.sources.map(readSource));
  const classes = [...new Set(sources.flatMap(({ names }) => names))];
  if (classes.length === 0)
    throw new RecipeError("the datasets have captions alone; a Dynamic Head learns from boxes of classes");
  return classes;
}
