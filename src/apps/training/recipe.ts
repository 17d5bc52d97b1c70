/** A recipe: a training run described in a JSON file, which is checked completely, with overrides from the command line. */

import { z } from "zod";
import { formats } from "../../data/readers/format-names.ts";
import { RecipeError } from "../../errors.ts";
import { readTextFile } from "../../files/read-file.ts";
import { detectorFamilies, typeOfRecipe } from "../../models/families.ts";
import { recipeModelSchema } from "../../models/schemas.ts";
import { glipLosses, type Losses, lossNames } from "../../tasks/grounding/loss-terms.ts";
import { located, recipeFile } from "./recipe-paths.ts";

/** Maximum size of a recipe file. */
const MOST_BYTES = 2 ** 24;
const whole = z.int().positive();
const upTo = (most: number) => whole.max(most);
const rate = z.number().min(0).max(1);

const pattern = z.string().refine(isPattern, "not a regular expression");

/** The shape of every batch, for all kinds of data. */
const batchShape = {
  pictures: upTo(65_536),
  /** Possible lengths of the shorter side, in pixels. */
  sizes: z.array(upTo(10_000)).min(1).max(1000),
  /** Tokens per caption. */
  tokens: upTo(65_536),
};

const scenesSchema = z.strictObject({
  kind: z.literal("scenes").exactOptional(),
  ...batchShape,
  names: z.union([z.literal("everyday"), z.array(z.string()).min(1)]).exactOptional(),
  /** Whether to add rendered 3D models to the things, and photos to the backgrounds. */
  models: z.boolean(),
  grounds: z.boolean(),
  /** Whether to add drawings and names that are in no split. */
  more: z.boolean().exactOptional(),
  /** Maximum number of things in a scene, and the side of the smallest as a fraction of the picture's side. */
  objects: upTo(1000),
  smallest: rate,
  /** Fraction of captions that are sentences about the scene, and the maximum number of names in the other captions. */
  sentences: rate,
  listed: upTo(10_000),
});

/** A dataset's folder or annotation file; if not clear from that, the folder of its pictures, its format, and its split. */
const files = {
  data: z.string(),
  images: z.string().exactOptional(),
  as: z.enum(formats).exactOptional(),
  split: z.string().exactOptional(),
};

const datasetsSchema = z.strictObject({
  kind: z.literal("datasets"),
  ...batchShape,
  /** Maximum length of the longer side, in pixels. */
  longest: upTo(100_000),
  /**
   * The datasets. `weight`: the relative number of pictures drawn from it. `weighted`: whether the score of a box is the target of its
   * words instead of 1. `shots`: the number of pictures per class, chosen by the seed (default: all).
   */
  sources: z
    .array(
      z.strictObject({
        ...files,
        weight: z.number().positive(),
        weighted: z.boolean().exactOptional(),
        shots: whole.exactOptional(),
      }),
    )
    .min(1),
  /** Probability that a picture is mirrored. */
  flip: rate,
  /** Absent classes in the captions of detection sets: their maximum number, and the probabilities of only one, none and all. */
  negatives: z
    .strictObject({ most: z.int().min(0), one: rate, none: rate, all: rate })
    .refine(
      ({ one, none, all }) => one + none + all <= 1,
      "the probabilities of one, none and all add up to more than 1",
    ),
  /** Validation annotations; the weights with the best average precision on them are kept. */
  heldOut: z.strictObject(files).exactOptional(),
});

export const recipeSchema = z.strictObject({
  /** What the recipe trains, on which machine, how long it takes and its expected score. */
  about: z.string(),
  seed: z.int(),
  /** A GLIP by default; or a Dynamic Head, whose classes are the classes of its datasets. */
  model: recipeModelSchema,
  /** Folder with vocab.txt and vectors.safetensors: a GLIP's initial word embeddings. */
  words: z.string().exactOptional(),
  /** Weights to start from: every tensor with the same name and shape replaces the random initial values. */
  from: z.string().exactOptional(),
  /** Scenes generated during training (the default), or datasets on disk. */
  data: z.discriminatedUnion("kind", [scenesSchema, datasetsSchema]),
  /** Parts of a batch computed in parallel, one core each. The number of shards determines the exact bits. */
  shards: upTo(1024),
  /** Regular expressions for the names of parameters that are not trained. */
  frozen: z.array(pattern),
  /** The losses by name, with their weights. Default: GLIP's three losses. */
  losses: z.partialRecord(z.enum(lossNames), z.number().positive()).exactOptional(),
  /** The weight of `loss_contrast`: contrast between regions and words across the pictures of a batch (GLIPv2). Off by default. */
  contrast: z.number().positive().exactOptional(),
  steps: whole,
  learningRate: z.number().positive(),
  /** Learning rate of the text encoder, which starts from pretrained word vectors. Default: `learningRate`. */
  languageLearningRate: z.number().positive().exactOptional(),
  /** Learning rate of a pretrained backbone. Default: `learningRate`. */
  backboneLearningRate: z.number().positive().exactOptional(),
  weightDecay: z.number().min(0),
  warmup: z.int().min(0),
  clip: z.number().positive(),
  averageDecay: rate,
  /** Whether to use dropout, drop path and drop block; a short run on unlimited data learns faster without. */
  dropout: z.boolean(),
  evaluateEvery: whole,
  evaluatePictures: whole,
  /** Steps between checkpoints; a killed run loses at most so many. */
  checkpointEvery: whole,
});

/** A training recipe, read and checked. */
export type Recipe = z.infer<typeof recipeSchema>;
export type DatasetsData = z.infer<typeof datasetsSchema>;
export type ScenesData = z.infer<typeof scenesSchema>;

/** The losses of a recipe with their weights. */
export function lossesOf({ losses = glipLosses, contrast }: Pick<Recipe, "losses" | "contrast">): Losses {
  return contrast === undefined ? losses : { ...losses, loss_contrast: contrast };
}

/** The settings of a recipe's generated scenes. @throws RecipeError if it trains on datasets. */
export function scenesOf({ data }: Recipe): ScenesData {
  if (data.kind !== "datasets") return data;
  throw new RecipeError(
    "the recipe trains on datasets; use a recipe with generated scenes, such as recipes/first-world.json",
  );
}

/** The folder of a GLIP's words. @throws RecipeError if the recipe has none. */
export function wordsOf({ words }: Recipe): string {
  if (words !== undefined) return words;
  throw new RecipeError("words: missing; give a folder with word vectors for a GLIP, such as assets/words");
}

/**
 * Reads a recipe by its path, or by the name of a recipe in the package. The files in it are looked for in the working directory, in the
 * recipe's folder and in the package. `overrides` are `key=value` pairs; keys may have dots, and values are JSON or plain text.
 * Throws RecipeError.
 */
export function readRecipe(pathOrName: string, overrides: readonly string[] = []): Recipe {
  const { raw, file } = rawRecipe(pathOrName, overrides);
  const checked = recipeSchema.safeParse(raw);
  if (!checked.success) throw new RecipeError(`${file}: ${z.prettifyError(checked.error)}`);
  const { model } = checked.data;
  const huge = detectorFamilies[typeOfRecipe(model)].tooLarge?.(model);
  if (huge) throw new RecipeError(`${file}: ${huge}`);
  if (lossesOf(checked.data).loss_contrast) checkContrast(checked.data, file);
  return located(checked.data, file);
}

/** The content of a recipe file with overrides, not checked, and the file. Throws RecipeError if it cannot be read. */
export function rawRecipe(pathOrName: string, overrides: readonly string[] = []): { raw: unknown; file: string } {
  const file = recipeFile(pathOrName);
  let raw: unknown;
  try {
    raw = JSON.parse(readTextFile(file, MOST_BYTES));
  } catch (error) {
    throw new RecipeError(
      `${file}: not a recipe (${error instanceof Error ? error.message : error}); see recipes/ for examples`,
    );
  }
  for (const override of overrides) assign(raw, override);
  return { raw, file };
}

/** Checks the requirements of contrast across pictures. */
function checkContrast({ model, data, shards }: Recipe, file: string): void {
  const changes = [
    ...(data.kind === "datasets" ? ["data must be scenes"] : []),
    ...(detectorFamilies[typeOfRecipe(model)].keepsWordsApart?.(model)
      ? []
      : ["the model must be a GLIP without fusion"]),
    ...(shards > 1 ? ["shards must be 1"] : []),
  ];
  if (changes.length > 0) throw new RecipeError(`${file}: contrast: ${changes.join(", ")}; or remove contrast`);
}

function isPattern(text: string): boolean {
  try {
    return Boolean(new RegExp(text));
  } catch {
    return false;
  }
}

function assign(raw: unknown, override: string): void {
  const at = override.indexOf("=");
  const path = override.slice(0, at).split(".");
  const last = path.pop();
  if (at < 1 || last === undefined || last === "__proto__")
    throw new RecipeError(`override ${override}: write key=value, for example steps=1000`);
  let place = raw as Record<string, unknown>;
  for (const key of path) {
    const next = Object.hasOwn(place, key) ? place[key] : undefined;
    if (typeof next !== "object" || next === null)
      throw new RecipeError(`override ${override}: the recipe has no ${key}`);
    place = next as Record<string, unknown>;
  }
  const value = override.slice(at + 1);
  try {
    place[last] = JSON.parse(value);
  } catch {
    place[last] = value;
  }
}
