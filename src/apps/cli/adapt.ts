/** `groundling adapt`: adapts a model to a dataset. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { z } from "zod";
import type { DatasetChoice } from "../../data/readers/find-dataset.ts";
import { readJson } from "../../data/readers/json.ts";
import type { SizeRule } from "../../inputs/pictures/preparation.ts";
import type { ClassPrompt } from "../../inputs/words/prompts.ts";
import { withInterruption } from "../../learning/interruption.ts";
import { type Method, methods } from "../adaptation/methods.ts";
import { datasetOptions } from "./dataset-options.ts";
import { chosenDevice } from "./device.ts";
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
  shards?: number;
  out: string;
  resume: boolean;
  checkpointEvery?: number;
}

/** Adds the command to a program. */
export function addAdaptCommand(program: Command): void {
  const command = program
    .command("adapt")
    .description(
      "Adapt a model to your dataset (COCO, Pascal VOC, YOLO and others). Uses the splits train, valid and test if the dataset has them. Ctrl-C saves; --resume continues with the same bits.",
    )
    .requiredOption("--data <path>", "dataset: trains on the split train, stops by the score on valid, scores on test")
    .addOption(datasetOptions.images())
    .addOption(datasetOptions.as())
    .addOption(datasetOptions.split())
    .addOption(
      new Option("--method <name>", "train all weights, a linear probe, the prompt, or low-rank adapters")
        .choices(methods)
        .default("full"),
    )
    .option("--shots <count>", "training pictures per class, or all", shotsOf, "all")
    .option("--seed <number>", "seed for the choice and the order of pictures", wholeNumber(0, 2 ** 31), 10)
    .option(
      "--steps <count>",
      "maximum number of training steps (default: until the score on valid stops rising; 100 without valid)",
      wholeNumber(1, 1e7),
    )
    .addOption(
      new Option("--epochs <count>", "maximum number of passes over the training pictures, instead of --steps")
        .argParser(wholeNumber(1, 1e6))
        .conflicts("steps"),
    )
    .option("--learning-rate <number>", "learning rate (default: depends on the method)", positive)
    .option(
      "--frozen <pattern>",
      "do not train parameters whose names match this regular expression (default: a Swin's first layers); can be repeated",
      (pattern, all: string[] = []) => [...all, pattern],
    )
    .option(
      "--captions <file>",
      'JSON file with words to add to class names: { "puffin": { "suffix": " with orange beaks" } }',
      captionsOf,
    )
    .option("--in-place", "let the tuned prompt replace the words, so that the text encoder is not needed")
    .option("--replay <path>", "annotations to train on as well, so that the model forgets less")
    .option("--replay-weight <number>", "replay pictures per picture of the dataset (default: 1)", positive)
    .option(
      "--retain <path>",
      "annotations of other things, scored before and after to show what was forgotten; or none (default: a set of everyday things)",
    )
    .option(
      "--shards <count>",
      "parts of a batch computed at once, each on its own core (default: 2 for full and adapters, else 1); the exact bits depend on this number",
      wholeNumber(1, 64),
    )
    .option("--size <short,max>", "resize pictures to these sides in pixels (default: the model's own)", sizeRule)
    .option(
      "--out <folder>",
      "output folder for the model and the report; if it contains an adaptation, --resume is required",
      "adapted",
    )
    .option("--resume", "continue the adaptation in the output folder", false)
    .option("--checkpoint-every <steps>", "steps between checkpoints (default: one per minute)", wholeNumber(1, 1e6));
  addQuietOption(addModelOptions(command)).action(async ({ out, device: named, ...choices }: Choices) => {
    const { runAdaptation, reportTable } = await import("../adaptation/run-adaptation.ts");
    const { readModel } = await import("../../tasks/finding/model-folder.ts");
    const device = await chosenDevice({ ...(named ? { device: named } : {}), quiet: choices.quiet === true });
    const base = await fetchingWithProgress(choices, (fetching) => readModel(choices.model, fetching, "adapt"));
    const { shots, ...request } = choices;
    const report = await withInterruption((signal) =>
      runAdaptation(base, { ...request, ...(shots === "all" ? {} : { shots }), ...device, out, signal }),
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
