/** `groundling train`: trains a model from a recipe. */

import type { Command } from "commander";
import type { TrainingResult } from "../../learning/train.ts";
import { chosenDevice, type DeviceChoice, deviceOption } from "./device.ts";
import { addQuietOption, say } from "./writing.ts";

interface Choices extends DeviceChoice {
  resume: boolean;
  override: string[];
  out?: string;
  sprites: string;
  quiet: boolean;
}

/** Adds the command to a program. */
export function addTrainCommand(program: Command): void {
  const command = program
    .command("train")
    .argument("<recipe>", "recipe file, or the name of a recipe that comes with groundling")
    .description("Train a model from a recipe. Ctrl-C saves; --resume continues with the same bits.")
    .option("--resume", "continue from the last checkpoint", false)
    .option(
      "-o, --override <key=value>",
      "change a value of the recipe, for example -o steps=1000; can be repeated",
      (pair, all: string[]) => [...all, pair],
      [],
    )
    .option(
      "--out <folder>",
      "output folder (default: runs/NAME-OF-THE-RECIPE); if it contains a run, --resume is required",
    )
    .option("--sprites <folder>", "cache folder for rendered drawings", "runs/sprites")
    .addOption(deviceOption());
  addQuietOption(command).action(train);
}

async function train(file: string, { resume, override, out, sprites, quiet, ...choice }: Choices): Promise<void> {
  const { basename, extname, join } = await import("node:path");
  const { memoryText } = await import("../../learning/memory-estimate.ts");
  const { rawRecipe, readRecipe } = await import("../training/recipe.ts");
  const { clipRecipeOf, isClipRecipe } = await import("../training/clip-recipe.ts");
  const { memoryOfRun } = await import("../training/memory-of-run.ts");
  const { modelOfRun } = await import("../training/model-of-run.ts");
  const { runRecipe } = await import("../training/run.ts");
  const folder = out ?? join("runs", basename(file, extname(file)));
  const given = rawRecipe(file, override);
  if (isClipRecipe(given.raw)) {
    const { runClipRecipe } = await import("../training/clip-run.ts");
    const recipe = clipRecipeOf(given.raw, given.file);
    tell(
      recipe.steps,
      await runClipRecipe(recipe, { folder, resume, quiet, ...(await chosenDevice({ ...choice, quiet })) }),
    );
    return;
  }
  const recipe = readRecipe(file, override);
  const device = await chosenDevice({ ...choice, quiet });
  const model = await modelOfRun(recipe);
  if (!quiet) say(`memory: ${memoryText(memoryOfRun(model.model, recipe))}\n`);
  tell(recipe.steps, await runRecipe(recipe, { folder, resume, sprites, model, quiet, ...device }));

  function tell(steps: number, { step, interrupted }: Pick<TrainingResult, "step" | "interrupted">): void {
    const next = interrupted ? `; to continue: groundling train ${file} --resume --out ${folder}` : "";
    if (!quiet || interrupted) say(`${step} of ${steps} steps in ${folder}${next}\n`);
  }
}
