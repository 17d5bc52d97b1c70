/** `groundling adapt`: a model made better at one dataset. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { z } from "zod";
import type { DatasetChoice } from "../../data/readers/find-dataset.ts";
import { readJson } from "../../data/readers/json.ts";
import type { SizeRule } from "../../inputs/pictures/preparation.ts";
import type { ClassPrompt } from "../../inputs/words/prompts.ts";
import { withInterruption } from "../../learning/interruption.ts";
import { type Method, methods } from "../adaptation/methods.ts";
import { datasetOptions } from "./dataset-options.ts";
import { addModelOptions, fetchingWithProgress, type ModelChoice } from "./model-choice.ts";
import { sizeRule, wholeNumber } from "./numbers.ts";
import { addQuietOption, print } from "./writing.ts";

interface Choices extends ModelChoice, DatasetChoice {
  data: string;
  method: Method;
  shots: number | "all";
  seed: number;
  steps?: number;
  epochs?: number;
  learningRate?: number;
  frozen?: string[];
  captions?: ClassPrompt[];
  inPlace?: boolean;
  replay?: string;
  replayWeight?: number;
  retain?: string;
  size?: SizeRule;
  out: string;
  resume: boolean;
  checkpointEvery?: number;
}

/** Adds the command to a program. */
export function addAdaptCommand(program: Command): void {
  const command = program
    .command("adapt")
    .description(
      "make a model better at a dataset in COCO's, Pascal VOC's, YOLO's or another form; splits train, valid and test are found; Ctrl-C saves, --resume goes on in the same bits",
    )
    .requiredOption(
      "--data <path>",
      "a dataset; what it calls train is learned, valid tells when to stop, test is scored",
    )
    .addOption(datasetOptions.images())
    .addOption(datasetOptions.as())
    .addOption(datasetOptions.split())
    .addOption(new Option("--method <name>", "what is learned").choices(methods).default("full"))
    .option("--shots <count>", "pictures for each class to learn from, or all", shotsOf, "all")
    .option("--seed <number>", "decides the shots and the order", wholeNumber(0, 2 ** 31), 10)
    .option(
      "--steps <count>",
      "most steps (default: until valid/ no longer gains; 100 without it)",
      wholeNumber(1, 1e7),
    )
    .addOption(
      new Option("--epochs <count>", "most passes over the pictures to learn from, in place of steps")
        .argParser(wholeNumber(1, 1e6))
        .conflicts("steps"),
    )
    .option("--learning-rate <number>", "another than the method's own", positive)
    .option(
      "--frozen <pattern>",
      "keep parts whose names match, in place of a Swin's first layers; may be given again",
      (pattern, all: string[] = []) => [...all, pattern],
    )
    .option(
      "--captions <file>",
      'JSON with words around names: { "puffin": { "suffix": " with orange beaks" } }',
      captionsOf,
    )
    .option("--in-place", "a tuned prompt stands in place of the words, which then need not be read")
    .option("--replay <path>", "annotations to learn beside, so that less is forgotten")
    .option("--replay-weight <number>", "its pictures to one of the dataset (default: 1)", positive)
    .option(
      "--retain <path>",
      "annotations of other things, scored before and after, or none (default: everyday things)",
    )
    .option("--size <short,max>", "sides to resize pictures to (default: the model's own)", sizeRule)
    .option(
      "--out <folder>",
      "folder for the model and the report; one that holds an adaptation needs --resume",
      "adapted",
    )
    .option("--resume", "go on with the adaptation that the folder holds", false)
    .option("--checkpoint-every <steps>", "steps between checkpoints (default: one a minute)", wholeNumber(1, 1e6));
  addQuietOption(addModelOptions(command)).action(async ({ out, ...choices }: Choices) => {
    const { runAdaptation, reportTable } = await import("../adaptation/run-adaptation.ts");
    const { readModel } = await import("../../tasks/finding/model-folder.ts");
    const base = await fetchingWithProgress(choices, (fetching) => readModel(choices.model, fetching));
    const { shots, ...request } = choices;
    const report = await withInterruption((signal) =>
      runAdaptation(base, { ...request, ...(shots === "all" ? {} : { shots }), out, signal }),
    );
    print(reportTable(report));
  });
}

function shotsOf(text: string): number | "all" {
  return text === "all" ? text : wholeNumber(1, 1_000_000)(text);
}

function positive(text: string): number {
  const number = Number(text);
  if (number > 0 && Number.isFinite(number)) return number;
  throw new InvalidArgumentError("give a number above 0, for example 0.0001.");
}

const captionsSchema = z.record(
  z.string(),
  z.strictObject({
    prefix: z.string().exactOptional(),
    name: z.string().exactOptional(),
    suffix: z.string().exactOptional(),
  }),
);

function captionsOf(file: string): ClassPrompt[] {
  const checked = captionsSchema.safeParse(readJson(file));
  if (!checked.success) throw new InvalidArgumentError(`${file}: ${z.prettifyError(checked.error)}`);
  return Object.entries(checked.data).map(([label, words]) => ({ label, ...words }));
}
