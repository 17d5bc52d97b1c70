/** A training run as it stands in a file: JSON, checked whole, with overrides from the command line. */

import { z } from "zod";
import { formats } from "../../data/readers/format-names.ts";
import { RecipeError } from "../../errors.ts";
import { readTextFile } from "../../files/read-file.ts";
import { families, recipeModelSchema, typeOfRecipe } from "../../models/families.ts";
import { glipLosses, type Losses, lossNames } from "../../tasks/grounding/loss-terms.ts";
import { located, recipeFile } from "./recipe-paths.ts";

/** Of a recipe's file. */
const MOST_BYTES = 2 ** 24;
const whole = z.int().positive();
const upTo = (most: number) => whole.max(most);
const rate = z.number().min(0).max(1);

const pattern = z.string().refine(isPattern, "not a regular expression");

/** What every batch is made to, wherever its pictures come from. */
const batchShape = {
  pictures: upTo(65_536),
  /** Lengths of the shorter side. */
  sizes: z.array(upTo(10_000)).min(1).max(1000),
  /** Tokens of every caption. */
  tokens: upTo(65_536),
};

const scenesSchema = z.strictObject({
  kind: z.literal("scenes").exactOptional(),
  ...batchShape,
  names: z.union([z.literal("everyday"), z.array(z.string()).min(1)]).exactOptional(),
  /** Whether things are rendered models, too, and whether grounds are photos, too. */
  models: z.boolean(),
  grounds: z.boolean(),
  /** Whether drawings and names that no split shows are learned from, too. */
  more: z.boolean().exactOptional(),
  /** Most things in a scene, and the side of the smallest as a share of the picture's. */
  objects: upTo(1000),
  smallest: rate,
  /** Share of captions that are sentences about the scene, and most names of the others. */
  sentences: rate,
  listed: upTo(10_000),
});

/** A dataset's folder or annotation file; where they are not clear, the folder of its pictures, its format, and which split. */
const files = {
  data: z.string(),
  images: z.string().exactOptional(),
  as: z.enum(formats).exactOptional(),
  split: z.string().exactOptional(),
};

const datasetsSchema = z.strictObject({
  kind: z.literal("datasets"),
  ...batchShape,
  /** Most pixels of the longer side. */
  longest: upTo(100_000),
  /**
   * How many of the pictures come from each, against the weights of the others; whether a box that carries a score teaches its
   * words that score in place of 1; and of how many pictures of each class, chosen by the seed, it is learned (all unless told).
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
  /** Chance that a picture is mirrored. */
  flip: rate,
  /** Absent classes in the captions of detection sets: most of them, and the chances of just one, none and all of these. */
  negatives: z
    .strictObject({ most: z.int().min(0), one: rate, none: rate, all: rate })
    .refine(({ one, none, all }) => one + none + all <= 1, "the chances of one, none and all are more than 1 together"),
  /** Annotations of pictures that are kept from training, by whose average precision the best weights are kept. */
  heldOut: z.strictObject(files).exactOptional(),
});

export const recipeSchema = z.strictObject({
  /** What is trained, on which machine, how long it takes and what it should score. */
  about: z.string(),
  seed: z.int(),
  /** A GLIP unless it says otherwise, or a Dynamic Head, whose classes are those of its datasets. */
  model: recipeModelSchema,
  /** Folder with vocab.txt and vectors.safetensors: where a GLIP's words start. */
  words: z.string().exactOptional(),
  /** Weights to start from instead of random ones, where names and shapes are the same. */
  from: z.string().exactOptional(),
  /** Scenes that are made as they are needed unless it says otherwise, or datasets on disk. */
  data: z.discriminatedUnion("kind", [scenesSchema, datasetsSchema]),
  /** Parts of a batch that are computed at the same time, each on a core of its own; they decide the bits. */
  shards: upTo(1024),
  /** Patterns of the names of parameters that keep their first values. */
  frozen: z.array(pattern),
  /** The weights of the losses that are minimised, by their names; GLIP's three unless told. */
  losses: z.partialRecord(z.enum(lossNames), z.number().positive()).exactOptional(),
  /** As `loss_contrast` among them: weight of the contrast between regions and words across the pictures of a batch (GLIPv2); none without. */
  contrast: z.number().positive().exactOptional(),
  steps: whole,
  learningRate: z.number().positive(),
  /** Of the text side, which starts from real word vectors; else as the rest. */
  languageLearningRate: z.number().positive().exactOptional(),
  /** Of the backbone, where it starts from weights that were trained before; else as the rest. */
  backboneLearningRate: z.number().positive().exactOptional(),
  weightDecay: z.number().min(0),
  warmup: z.int().min(0),
  clip: z.number().positive(),
  averageDecay: rate,
  /** Whether dropout, drop path and drop block act; a short run on endless data learns faster without. */
  dropout: z.boolean(),
  evaluateEvery: whole,
  evaluatePictures: whole,
  /** Steps between checkpoints: what a run that is killed loses at most. */
  checkpointEvery: whole,
});

export type Recipe = z.infer<typeof recipeSchema>;
export type DatasetsData = z.infer<typeof datasetsSchema>;
export type ScenesData = z.infer<typeof scenesSchema>;

/** The losses of a recipe with their weights. */
export function lossesOf({ losses = glipLosses, contrast }: Pick<Recipe, "losses" | "contrast">): Losses {
  return contrast === undefined ? losses : { ...losses, loss_contrast: contrast };
}

/** The generated world of a recipe. @throws RecipeError where it trains on datasets. */
export function scenesOf({ data }: Recipe): ScenesData {
  if (data.kind !== "datasets") return data;
  throw new RecipeError(
    "the recipe trains on datasets; a generated world is needed here, as in recipes/first-world.json",
  );
}

/** The folder of a GLIP's words. @throws RecipeError where the recipe names none. */
export function wordsOf({ words }: Recipe): string {
  if (words !== undefined) return words;
  throw new RecipeError("words: missing; a GLIP starts from the word vectors of a folder such as assets/words");
}

/**
 * Reads a recipe at a path or by the name of one that comes with the package; the files that it names are looked for in the working
 * directory, beside the recipe and in the package. `overrides` are `key=value` pairs whose keys may be dotted and whose values are JSON
 * or plain words. Throws RecipeError.
 */
export function readRecipe(pathOrName: string, overrides: readonly string[] = []): Recipe {
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
  const checked = recipeSchema.safeParse(raw);
  if (!checked.success) throw new RecipeError(`${file}: ${z.prettifyError(checked.error)}`);
  const { model } = checked.data;
  const huge = families[typeOfRecipe(model)].tooLarge?.(model);
  if (huge) throw new RecipeError(`${file}: ${huge}`);
  if (lossesOf(checked.data).loss_contrast) wantContrast(checked.data, file);
  return located(checked.data, file);
}

/** What contrast across pictures needs. */
function wantContrast({ model, data, shards }: Recipe, file: string): void {
  const mends = [
    ...(data.kind === "datasets" ? ["data must be scenes"] : []),
    ...(families[typeOfRecipe(model)].keepsWordsApart?.(model) ? [] : ["the model must be a GLIP without fusion"]),
    ...(shards > 1 ? ["shards must be 1"] : []),
  ];
  if (mends.length > 0) throw new RecipeError(`${file}: contrast: ${mends.join(", ")}; or leave contrast out`);
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
    throw new RecipeError(`override ${override}: write it as key=value, for example steps=1000`);
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
