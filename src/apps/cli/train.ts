/** `groundling train`: carries out a recipe. */

import type { Command } from "commander";
import { say } from "./writing.ts";

interface Choices {
  resume: boolean;
  override: string[];
  out?: string;
  sprites: string;
}

/** Adds the command to a program. */
export function addTrainCommand(program: Command): void {
  program
    .command("train <recipe>")
    .description("train a model by a recipe; Ctrl-C saves, --resume goes on in the same bits")
    .option("--resume", "go on from the last checkpoint of the run", false)
    .option(
      "-o, --override <key=value>",
      "another value than the recipe's, for example -o steps=1000; may be given again",
      (pair, all: string[]) => [...all, pair],
      [],
    )
    .option("--out <folder>", "folder of the run (default: runs/NAME-OF-THE-RECIPE)")
    .option("--sprites <folder>", "where rendered drawings are kept", "runs/sprites")
    .action(async (file: string, { resume, override, out, sprites }: Choices) => {
      const { basename, extname, join } = await import("node:path");
      const { memoryWords } = await import("../../learning/memory-estimate.ts");
      const { readRecipe } = await import("../training/recipe.ts");
      const { memoryOfRun } = await import("./memory-of-run.ts");
      const { modelOfRun } = await import("../training/model-of-run.ts");
      const { runRecipe } = await import("../training/run.ts");
      const recipe = readRecipe(file, override);
      const folder = out ?? join("runs", basename(file, extname(file)));
      say(`memory: ${memoryWords(memoryOfRun((await modelOfRun(recipe)).model, recipe))}\n`);
      const { step, interrupted } = await runRecipe(recipe, { folder, resume, sprites });
      const next = interrupted ? `; go on with: groundling train ${file} --resume --out ${folder}` : "";
      say(`${step} of ${recipe.steps} steps in ${folder}${next}\n`);
    });
}
