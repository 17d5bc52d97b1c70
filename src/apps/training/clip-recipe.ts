/** A recipe that trains a CLIP from photos with captions, or from photos of classes. */

import { existsSync } from "node:fs";
import { z } from "zod";
import { RecipeError } from "../../errors.ts";
import { imagenetTemplates } from "../../inputs/words/templates.ts";
import { clipRecipeModel } from "../../models/clip/clip-recipe.ts";
import { finderOf } from "./recipe-paths.ts";

const whole = z.int().positive();
const rate = z.number().min(0).max(1);
const template = z.string().includes("{}", { error: "must contain {} for the name" });

const captions = z.strictObject({
  kind: z.literal("captions"),
  /** A list of `{ image, captions }` (.jsonl), or a dataset with captions. */
  data: z.string(),
  images: z.string().exactOptional(),
});
const classes = z.strictObject({
  kind: z.literal("classes"),
  /** A folder with a folder of photos per class, or with the lists of Tiny ImageNet. */
  data: z.string(),
  split: z.string().exactOptional(),
  /** Prompt templates with {} for the name, or "imagenet" for OpenAI's 80. */
  templates: z
    .union([z.literal("imagenet").transform(() => [...imagenetTemplates]), z.array(template).min(1)])
    .default(["a photo of a {}."]),
});

export const clipRecipeSchema = z.strictObject({
  /** What the recipe trains, on which machine, how long it takes and its expected score. */
  about: z.string(),
  seed: z.int(),
  model: clipRecipeModel,
  /** Weights to start from: every tensor with the same name and shape replaces the random initial values. */
  from: z.string().exactOptional(),
  data: z.discriminatedUnion("kind", [captions, classes]),
  /** Photos kept aside; the weights with the best score on them are kept. */
  heldOut: z.discriminatedUnion("kind", [captions, classes]).exactOptional(),
  /** Pictures in a batch; each is contrasted with the texts of all others. */
  pictures: z.int().min(2).max(65_536),
  /** The smallest side of a random square crop, as a share of the picture's shorter side. */
  crop: z.number().min(0.05).max(1),
  /** Probability that a picture is mirrored. */
  flip: rate,
  /** Regular expressions for the names of parameters that are not trained. */
  frozen: z.array(z.string().refine(isPattern, "not a regular expression")),
  steps: whole,
  learningRate: z.number().positive(),
  weightDecay: z.number().min(0),
  warmup: z.int().min(0),
  clip: z.number().positive(),
  averageDecay: rate,
  evaluateEvery: whole,
  evaluatePictures: whole,
  /** Steps between checkpoints; a killed run loses at most so many. */
  checkpointEvery: whole,
});

/** A recipe for a CLIP, read and checked. */
export type ClipRecipe = z.infer<typeof clipRecipeSchema>;

/** Whether the content of a recipe file is for a CLIP. */
export function isClipRecipe(raw: unknown): boolean {
  return z.looseObject({ model: z.looseObject({ kind: z.literal("clip") }) }).safeParse(raw).success;
}

/** Checks the content of a recipe file and finds the files that it names. Throws RecipeError that names the file. */
export function clipRecipeOf(raw: unknown, file: string): ClipRecipe {
  const checked = clipRecipeSchema.safeParse(raw);
  if (!checked.success) throw new RecipeError(`${file}: ${z.prettifyError(checked.error)}`);
  const recipe = checked.data;
  if (recipe.model.image.kind === "resnet" && recipe.from === undefined)
    throw new RecipeError(
      `${file}: model.image: batch norms are not trained, so a ResNet needs trained weights; give from, or use kind "vit"`,
    );
  const find = finderOf(file);
  const data = <Data extends ClipRecipe["data"]>(one: Data): Data => {
    const place = find(one.data);
    if (!existsSync(place))
      throw new RecipeError(
        `${file}: data: found no ${one.data} in the working directory, in the recipe's folder or in the package`,
      );
    return { ...one, data: place, ...("images" in one ? { images: find(one.images!) } : {}) };
  };
  const { from, heldOut } = recipe;
  return {
    ...recipe,
    data: data(recipe.data),
    ...(heldOut ? { heldOut: data(heldOut) } : {}),
    ...(from === undefined ? {} : { from: find(from) }),
  };
}

function isPattern(text: string): boolean {
  try {
    return Boolean(new RegExp(text));
  } catch {
    return false;
  }
}
