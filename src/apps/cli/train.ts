/** `groundling train`: trains a model from a recipe. */

import { type Command, Option } from "commander";
import { RecipeError } from "../../errors.ts";
import { Interrupted } from "../../learning/interruption.ts";
import type { Ranks } from "../../learning/ranks.ts";
import type { TrainingResult } from "../../learning/train.ts";
import type { Scheduler } from "../../tasks/labelling/schedulers.ts";
import { chosenDevice, type DeviceChoice, deviceOption } from "./device.ts";
import { wholeNumber } from "./numbers.ts";
import { addQuietOption, print, say } from "./writing.ts";

interface Choices extends DeviceChoice {
  resume: boolean;
  override: string[];
  out?: string;
  sprites: string;
  quiet: boolean;
  emit?: Scheduler;
  tasks: number;
}

/** Adds the command to a program. */
export function addTrainCommand(program: Command): void {
  const command = program
    .command("train")
    .argument("<recipe>", "recipe file, or the name of a recipe that comes with groundling")
    .description(
      "Train a model from a recipe. Ctrl-C saves; --resume continues with the same bits. With mpirun -n N in front, N processes share the work.",
    )
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
    .addOption(deviceOption())
    .addOption(
      new Option(
        "--emit <scheduler>",
        "only write a job file for this scheduler that trains in many processes",
      ).choices(["slurm", "kubernetes"] satisfies Scheduler[]),
    )
    .option("--tasks <number>", "number of processes in the job file", wholeNumber(1, 100_000), 8);
  addQuietOption(command).action(train);
}

async function train(file: string, choices: Choices): Promise<void> {
  const { basename, extname, join } = await import("node:path");
  const { ranksOf } = await import("../../jobs/mpi.ts");
  const { emit, tasks, out } = choices;
  const folder = out ?? join("runs", basename(file, extname(file)));
  if (emit !== undefined) return print(`${await writeJob(emit, tasks, folder)}\n`);
  const ranks = await ranksOf(process.env);
  const quiet = choices.quiet || (ranks?.rank ?? 0) > 0;
  try {
    const { steps, result } = await trained(file, { ...choices, quiet, folder, ...(ranks ? { ranks } : {}) });
    ranks?.close();
    const { step, interrupted } = result;
    if (!quiet || (interrupted && !ranks?.rank))
      say(`${step} of ${steps} steps in ${folder}${interrupted ? `; ${toContinue(file, folder)}` : ""}\n`);
  } catch (error) {
    if (!ranks || !(error instanceof Interrupted)) throw error;
    say(`groundling: ${error.message}; ${toContinue(file, folder)}\n`);
    // A thread may still wait for ranks that are gone.
    process.exit();
  }
}

function toContinue(file: string, folder: string): string {
  return `to continue: groundling train ${file} --resume --out ${folder}`;
}

async function writeJob(emit: Scheduler, tasks: number, folder: string): Promise<string> {
  const { writeInto } = await import("../../files/write-whole.ts");
  const { rankJobs } = await import("../training/rank-jobs.ts");
  const { file, text } = rankJobs[emit](process.argv.slice(2), tasks);
  return writeInto(folder, file, text);
}

interface TrainingChoices extends Omit<Choices, "out"> {
  folder: string;
  ranks?: Ranks;
}

async function trained(
  file: string,
  { override, sprites, device: named, ...choices }: TrainingChoices,
): Promise<{ steps: number; result: Pick<TrainingResult, "step" | "interrupted"> }> {
  const { rawRecipe, readRecipe } = await import("../training/recipe.ts");
  const { clipRecipeOf, isClipRecipe } = await import("../training/clip-recipe.ts");
  const { folder, resume, quiet, ranks } = choices;
  const given = rawRecipe(file, override);
  if (isClipRecipe(given.raw)) {
    if (ranks)
      throw new RecipeError(
        "a CLIP's loss compares all pictures of a batch, which are not gathered over ranks; run it without mpirun",
      );
    const { runClipRecipe } = await import("../training/clip-run.ts");
    const recipe = clipRecipeOf(given.raw, given.file);
    const device = await chosenDevice({ ...(named ? { device: named } : {}), quiet });
    return { steps: recipe.steps, result: await runClipRecipe(recipe, { folder, resume, quiet, ...device }) };
  }
  const { memoryText } = await import("../../learning/memory-estimate.ts");
  const { memoryOfRun } = await import("../training/memory-of-run.ts");
  const { modelOfRun } = await import("../training/model-of-run.ts");
  const { runRecipe } = await import("../training/run.ts");
  const { remarksOnShards, sharedRecipe } = await import("../training/ranks-of-run.ts");
  const asked = readRecipe(file, override);
  const recipe = ranks ? sharedRecipe(asked, ranks) : asked;
  const device = await chosenDevice({ ...(named ? { device: named } : {}), quiet });
  const model = await modelOfRun(recipe);
  const own = { ...recipe, shards: recipe.shards / (ranks?.count ?? 1) };
  if (!quiet) say(`memory: ${memoryText(memoryOfRun(model.model, own))}${ranks ? " in each rank" : ""}\n`);
  if (ranks && !quiet)
    for (const remark of await remarksOnShards({ asked, shared: recipe, folder, resume }, ranks)) say(`${remark}\n`);
  return {
    steps: recipe.steps,
    result: await runRecipe(recipe, { folder, resume, sprites, model, quiet, ...device, ...(ranks ? { ranks } : {}) }),
  };
}
