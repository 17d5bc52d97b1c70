/** What a run does differently where several processes share it. */

import { existsSync } from "node:fs";
import { RecipeError } from "../../errors.ts";
import { readCheckpointState } from "../../learning/checkpoint.ts";
import type { Ranks } from "../../learning/ranks.ts";
import { checkpointFile } from "../../learning/train.ts";
import type { Recipe } from "./recipe.ts";

/**
 * The recipe with as many shards for each rank. Throws RecipeError if its losses or its batch cannot be divided between ranks.
 */
export function sharedRecipe(recipe: Recipe, { count }: Pick<Ranks, "count">): Recipe {
  const { pictures } = recipe.data;
  if (recipe.contrast !== undefined)
    throw new RecipeError(
      "contrast compares all pictures of a batch, which are not gathered over ranks; run it without mpirun, or remove contrast",
    );
  const shards = Math.ceil(recipe.shards / count) * count;
  if (shards > pictures)
    throw new RecipeError(
      `${shards} shards for ${count} ranks need a batch of at least ${shards} pictures, and data.pictures is ${pictures}; use fewer ranks, or set data.pictures`,
    );
  return { ...recipe, shards };
}

/** What the user should know of the run's bits, one sentence each. */
export async function remarksOnShards(
  { asked, shared, folder, resume }: { asked: Recipe; shared: Recipe; folder: string; resume: boolean },
  { count }: Pick<Ranks, "count">,
): Promise<string[]> {
  const { shards } = shared;
  const remarks = [`ranks: ${count}, each with ${shards / count} of ${shards} shards of a batch`];
  if (shards !== asked.shards)
    remarks.push(`shards: ${shards} instead of the recipe's ${asked.shards}; the last digits of the result change`);
  if (!Number.isInteger(Math.log2(count)) && shards > count)
    remarks.push(`${count} ranks add their shards in another order than one process: the last digits differ from its`);
  const last = checkpointFile(folder, "last");
  if (!resume || !existsSync(last)) return remarks;
  const { recipe } = await readCheckpointState(last);
  const before = recipe && typeof recipe === "object" && !Array.isArray(recipe) ? recipe.shards : undefined;
  if (before !== shards)
    remarks.push(`the run so far had ${before} shards and goes on with ${shards}: its last digits change from here on`);
  return remarks;
}
