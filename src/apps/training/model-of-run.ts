/** The model that a recipe trains, with its words and picture preparation. */

import { join } from "node:path";
import { readSource } from "../../data/training/sources.ts";
import { RecipeError } from "../../errors.ts";
import type { PicturePreparation } from "../../inputs/pictures/preparation.ts";
import { readWords } from "../../inputs/words/read-words.ts";
import type { WordSource, Words } from "../../inputs/words/words.ts";
import { detectorFamilies, typeOfRecipe } from "../../models/families.ts";
import type { Detector } from "../../models/parts/detector.ts";
import type { RecipeModel } from "../../models/schemas.ts";
import { type Recipe, wordsOf } from "./recipe.ts";

export interface ModelOfRun {
  model: Detector;
  /** Includes the classes of a model with fixed classes, so that checkpoints contain them. */
  config: RecipeModel;
  words: Words;
  /** How pictures are prepared, except for their size. */
  preparation: PicturePreparation;
  /** Where the words come from. */
  source: WordSource;
}

/** Fixed classes are the classes of the datasets, in order. Throws RecipeError if there are none. */
export async function modelOfRun(recipe: Recipe): Promise<ModelOfRun> {
  const family = detectorFamilies[typeOfRecipe(recipe.model)];
  const config = (await family.completed?.(recipe.model, () => classesOf(recipe, family.title))) ?? recipe.model;
  const source = family.words(config, (name) => join(wordsOf(recipe), name));
  return {
    model: family.detector(config),
    config: config as RecipeModel,
    words: await readWords(source),
    source,
    preparation: family.preparation,
  };
}

async function classesOf({ data }: Recipe, title: string): Promise<string[]> {
  if (data.kind !== "datasets")
    throw new RecipeError(`a ${title} finds the classes of its datasets; data.kind must be datasets`);
  const sources = await Promise.all(data.sources.map(readSource));
  const classes = [...new Set(sources.flatMap(({ names }) => names))];
  if (classes.length === 0) throw new RecipeError(`the datasets have only captions; a ${title} needs boxes of classes`);
  return classes;
}
