/** `groundling train`: carries out a recipe. */

import type { Command } from "commander";
import { addQuietOption, say } from "./writing.ts";

interface Choices {
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
    .argument("<recipe>", "a recipe's file, or the name of one that comes with groundling")
    .description("train a model by a recipe; Ctrl-C saves, --resume goes on in the same bits")
    .option("--resume", "go on from the last checkpoint of the run", false)
    .option(
      "-o, --override <key=value>",
      "another value than the recipe's, for example -o steps=1000; may be given again",
      (pair, all: string[]) => [...all, pair],
      [],
    )
    .option(
      "--out <folder>",
      "folder of the run (default: runs/NAME-OF-THE-RECIPE); one that holds a run needs --resume",
    )
    .option("--sprites <folder>", "where rendered drawings are kept", "runs/sprites");
  addQuietOption(command).action(train);
}

async function train(file: string, { resume, override, out, sprites, quiet }: Choices): Promise<void> {
  const { basename, extname, join } = await import("node:path");
  const { memoryWords } = await import("../../learning/memory-estimate.ts");
  const { readRecipe } = await import("../training/recipe.ts");
  const { memoryOfRun } = await import("../training/memory-of-run.ts");
  const { modelOfRun } = await import("../training/model-of-run.ts");
  const { runRecipe } = await import("../training/run.ts");
  const recipe = readRecipe(file, override);
  const folder = out ?? join("runs", basename(file, extname(file)));
  const model = await modelOfRun(recipe);
  if (!quiet) say(`memory: ${memoryWords(memoryOfRun(model.model, recipe))}\n`);
  const { step, interrupted } = await runRecipe(recipe, { folder, resume, sprites, model, quiet });
  const next = interrupted ? `; go on with: groundling train ${file} --resume --out ${folder}` : "";
  if (!quiet || interrupted) say(`${step} of ${recipe.steps} steps in ${folder}${next}\n`);
}
