/**
 * Makes a model folder from a training run: the averaged weights, or their mean with those of other models, in float16, with vocabulary,
 * sizes and model card. npx tsx scripts/package-model.ts --run runs/wide-world --to assets/models/everyday --size 192,384 --card
 * assets/models/everyday/README.md
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { z } from "zod";
import { sizeRule } from "../src/apps/cli/numbers.ts";
import { type Recipe, recipeSchema } from "../src/apps/training/recipe.ts";
import { WeightsError } from "../src/errors.ts";
import type { SizeRule } from "../src/inputs/pictures/preparation.ts";
import { nameListSchema } from "../src/inputs/words/name-list-schema.ts";
import { readCheckpoint } from "../src/learning/checkpoint.ts";
import { detectorFamilies, typeOfRecipe } from "../src/models/families.ts";
import { detectorSchemas } from "../src/models/schemas.ts";
import { readDetector, writeModelFolder } from "../src/tasks/finding/model-folder.ts";
import { fromFloat32 } from "../src/weights/float-conversion.ts";

interface Choices {
  run: string;
  to: string;
  size: SizeRule;
  card: string;
  companion?: string;
  names?: string;
  meanWith: string[];
  bias: number;
}

/** The bias of all alignment logits. */
const BIAS = "rpn.head.bias0";

const { run, to, size, card, companion, names, meanWith, bias } = new Command()
  .requiredOption("--run <folder>", "folder of a training run")
  .requiredOption("--to <folder>", "model folder to write")
  .requiredOption("--size <short,max>", "sides that pictures are resized to", sizeRule)
  .requiredOption("--card <file>", "text of the model card")
  .option("--companion <file>", "detector of fixed classes that answers beside it (scripts/import-coco-ssd.ts)")
  .option("--names <file>", "names that it was trained on, and other words for them (scripts/build-names.ts)")
  .option("--mean-with <folders...>", "models of the same form: the mean of all weights is packaged", [])
  .option("--bias <number>", `added to ${BIAS}: below 0 for lower scores`, Number, 0)
  .parse()
  .opts<Choices>();

const file = join(run, "last.safetensors");
const { weights, average, state } = await readCheckpoint(file);
const recipe = recipeSchema.pick({ model: true, words: true }).strip().safeParse(state.recipe);
if (!recipe.success)
  throw new WeightsError(`${file}: its recipe does not say the model: ${z.prettifyError(recipe.error)}`);
const { type, config, parameters, vocabulary } = modelOf(recipe.data);
const numbers = average ?? weights;
const missing = parameters.filter(({ name }) => !numbers.has(name)).map(({ name }) => name);
if (missing.length) throw new WeightsError(`${file}: lacks ${missing.join(", ")}`);
const others = await Promise.all(meanWith.map(async (folder) => (await readDetector(folder)).weights));
for (const [i, other] of others.entries())
  if (parameters.some(({ name }) => other.get(name)?.length !== numbers.get(name)!.length))
    throw new WeightsError(`${meanWith[i]}: is of another form than ${file}; only like models have a mean`);
await writeModelFolder(to, {
  type,
  config,
  size,
  ...(vocabulary === undefined ? {} : { vocabulary }),
  ...(companion === undefined ? {} : { companion }),
  ...(names === undefined ? {} : { names: nameListSchema.parse(JSON.parse(await readFile(names, "utf8"))) }),
  card: await readFile(card, "utf8"),
  weights: parameters.map(({ name, shape }) => {
    const all = [numbers, ...others].map((one) => one.get(name));
    const mean = all[0]!.map((_, k) => all.reduce((sum, values) => sum + values![k]!, 0) / all.length);
    const data = fromFloat32("F16", name === BIAS ? mean.map((value) => value + bias) : mean);
    return { name, dtype: "F16", shape, data } as const;
  }),
});
process.stdout.write(
  `${to}: ${average ? "averaged " : ""}weights of step ${state.step}${others.length ? `, and of ${meanWith.join(", ")}` : ""}\n`,
);

/** The parts of the recipe in a checkpoint that a model folder needs. */
function modelOf({ model: { kind, ...inRecipe }, words }: Pick<Recipe, "model" | "words">) {
  const type = typeOfRecipe(kind === undefined ? {} : { kind });
  const family = detectorFamilies[type];
  const config = detectorSchemas[type].config.safeParse(inRecipe);
  if (!config.success)
    throw new WeightsError(
      `${file}: its recipe does not say a whole ${family.title}: ${z.prettifyError(config.error)}`,
    );
  const source = family.words(config.data, (name) => join(words ?? "", name));
  const { parameters } = family.detector(config.data);
  return { type, config: inRecipe, parameters, vocabulary: source.kind === "word-pieces" ? source.file : undefined };
}
