/** Where a recipe lies, and where the files that it names do: those of a user, and those that come with the package. */

import { existsSync, readdirSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { RecipeError } from "../../errors.ts";
import type { Recipe } from "./recipe.ts";

const PACKAGE = fileURLToPath(new URL("../../../", import.meta.url));
const RECIPES = join(PACKAGE, "recipes");

/** The file of a recipe that is given as a path, or by the name of one that comes with the package: "first-world". Throws RecipeError. */
export function recipeFile(given: string): string {
  if (existsSync(given)) return given;
  if (/^(?:recipes\/)?[\w-]+(?:\.json)?$/.test(given)) {
    const own = join(RECIPES, `${given.replace(/^recipes\//, "").replace(/\.json$/, "")}.json`);
    if (existsSync(own)) return own;
  }
  const names = readdirSync(RECIPES).flatMap((name) => (name.endsWith(".json") ? [name.slice(0, -5)] : []));
  throw new RecipeError(
    `${given}: no such recipe; give a file, or the name of one that comes with groundling: ${names.sort().join(", ")}`,
  );
}

/** A recipe whose paths lead from the working directory: each as it stands, else from the recipe's folder, else from the package. */
export function located(recipe: Recipe, file: string): Recipe {
  const find = (path: string) => {
    if (isAbsolute(path)) return path;
    return [path, join(dirname(file), path), join(PACKAGE, path)].find((place) => existsSync(place)) ?? path;
  };
  const { words, from, data } = recipe;
  if (words !== undefined && !existsSync(find(words)))
    throw new RecipeError(
      `${file}: words: there is no ${words} in the working directory, beside the recipe or in the package`,
    );
  const files = <Files extends { data: string; images?: string }>(one: Files): Files => ({
    ...one,
    data: find(one.data),
    ...(one.images === undefined ? {} : { images: find(one.images) }),
  });
  return {
    ...recipe,
    ...(words === undefined ? {} : { words: find(words) }),
    ...(from === undefined ? {} : { from: find(from) }),
    data:
      data.kind === "datasets"
        ? { ...data, sources: data.sources.map(files), ...(data.heldOut ? { heldOut: files(data.heldOut) } : {}) }
        : data,
  };
}
