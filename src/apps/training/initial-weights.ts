/** Initial weights of a training run: random by the seed, with pretrained word vectors as word embeddings. */

import { join } from "node:path";
import { Random } from "../../data/random.ts";
import { RecipeError } from "../../errors.ts";
import { detectorFamilies, typeOfRecipe } from "../../models/families.ts";
import type { Detector } from "../../models/parts/detector.ts";
import { openWeights } from "../../weights/open-weights.ts";
import { type Recipe, wordsOf } from "./recipe.ts";

/** Values of the vectors are about 0.4 in size; BERT's embeddings start at a tenth of that. */
const VECTOR_SCALE = 0.2;

export async function initialWeights(model: Detector, recipe: Recipe): Promise<Map<string, Float32Array>> {
  const random = new Random(recipe.seed, "weights");
  const weights = new Map(
    model.parameters.map(({ name, shape, initialise }) => [name, initialise(shape, () => random.unit())]),
  );
  const { wordTable } = detectorFamilies[typeOfRecipe(recipe.model)];
  for (const { name, shape } of model.parameters)
    if (name === wordTable) await copyWordVectors(weights.get(name)!, shape, wordsOf(recipe));
  if (recipe.from) await takeOver(weights, model, recipe.from);
  return weights;
}

async function copyWordVectors(table: Float32Array, shape: readonly number[], folder: string): Promise<void> {
  const [vocabularySize, hiddenSize] = shape as [number, number];
  const file = await openWeights(join(folder, "vectors.safetensors"));
  try {
    const [words, width] = file.entries.get("vectors")!.shape as [number, number];
    if (words !== vocabularySize || width > hiddenSize)
      throw new RecipeError(
        `${folder} has ${words} words with ${width} numbers; the model needs ${vocabularySize} words with at most ${hiddenSize}`,
      );
    const vectors = await file.readFloat32("vectors");
    for (let word = 0; word < words; word++) {
      const vector = vectors.subarray(word * width, (word + 1) * width);
      if (vector.some((value) => value !== 0)) table.fill(0, word * hiddenSize, (word + 1) * hiddenSize);
      vector.forEach((value, i) => {
        if (value !== 0) table[word * hiddenSize + i] = value * VECTOR_SCALE;
      });
    }
  } finally {
    await file.close();
  }
}

/** Copies every tensor with the same name and shape from another model. */
async function takeOver(weights: Map<string, Float32Array>, model: Detector, from: string): Promise<void> {
  const file = await openWeights(from);
  try {
    for (const { name, shape } of model.parameters) {
      const entry = file.entries.get(name) ?? file.entries.get(`weights/${name}`);
      if (entry && String(entry.shape) === String(shape)) weights.set(name, await file.readFloat32(entry.name));
    }
  } finally {
    await file.close();
  }
}
