/** Finds recipes and the files they name, in the user's folders and in the package. */

import { existsSync, readdirSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { RecipeError } from "../../errors.ts";
import type { Recipe } from "./recipe.ts";

const PACKAGE = fileURLToPath(new URL("../../../", import.meta.url));
const RECIPES = join(PACKAGE, "recipes");

/** The file of a recipe, given as a path or as the name of a recipe in the package, such as "first-world". Throws RecipeError. */
export function recipeFile(given: string): string {
  if (existsSync(given)) return given;
  if (/^(?:recipes\/)?[\w-]+(?:\.json)?$/.test(given)) {
    const own = join(RECIPES, `${given.replace(/^recipes\//, "").replace(/\.json$/, "")}.json`);
    if (existsSync(own)) return own;
  }
  const names = readdirSync(RECIPES).flatMap((name) => (name.endsWith(".json") ? [name.slice(0, -5)] : []));
  throw new RecipeError(
    `${given}: no such recipe; give a file, or the name of a recipe that comes with groundling: ${names.sort().join(", ")}`,
  );
}

/** Finds the paths of a recipe: first from the working directory, then from the recipe's folder, then from the package. */
export function finderOf(file: string): (path: string) => string {
  return (path) => {
    if (isAbsolute(path)) return path;
    return [path, join(dirname(file), path), join(PACKAGE, path)].find((place) => existsSync(place)) ?? path;
  };
}

/** Resolves the paths of a recipe. */
export function located(recipe: Recipe, file: string): Recipe {
  const find = finderOf(file);
  const { words, from, data } = recipe;
  if (words !== undefined && !existsSync(find(words)))
    throw new RecipeError(
      `${file}: words: found no ${words} in the working directory, in the recipe's folder or in the package`,
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
