/** `groundling data`: checks datasets and converts them to other formats. */
import { type Command, Option } from "commander";
import { type CheckOptions, checkSplits, type DatasetCheck } from "../../data/readers/check.ts";
import { divide, sharesOf } from "../../data/readers/divide.ts";
import { type DatasetChoice, findDataset, findSets, openSet } from "../../data/readers/find-dataset.ts";
import { formats } from "../../data/readers/format-names.ts";
import { type WritableFormat, writableFormats } from "../../data/readers/formats.ts";
import { placeText } from "../../data/readers/problems.ts";
import { type PictureWay, pictureWays, type SourcePart, writeDataset } from "../../data/readers/write-dataset.ts";
import { InputError } from "../../errors.ts";
import { visible, visibleLines } from "../../files/visible.ts";
import { checkWritableFile, checkWritableFolder } from "../../files/writable.ts";
import { datasetOptions } from "./dataset-options.ts";
import { wholeNumber } from "./numbers.ts";

interface CheckChoices extends CheckOptions {
  format: "json" | "text";
}

interface ConvertChoices extends Omit<DatasetChoice, "split"> {
  to: WritableFormat;
  subset?: string;
  split: string[];
  seed: number;
  pictures?: PictureWay;
}

const subset = () => new Option("--subset <name>", "for flickr30k: the list of images to read (default: train)");

/** Adds `data check` and `data convert` to a program, if it does not have them yet. */
export function addDataCommand(program: Command): void {
  if (program.commands.some((command) => command.name() === "data")) return;
  const command = program.command("data").description("Check and convert datasets.");
  const print = (text: string) => command.configureOutput().writeOut!(`${text}\n`);
  command
    .command("check <path>")
    .description(`List the errors in a dataset (${formats.join(", ")}) with file and line.`)
    .addOption(datasetOptions.as())
    .addOption(datasetOptions.split())
    .addOption(datasetOptions.images())
    .addOption(subset())
    .addOption(new Option("--format <form>", "output format").choices(["json", "text"]).default("text"))
    .action(async (path: string, { format, ...options }: CheckChoices) => {
      const checks = await checkSplits(path, options);
      if (format === "json") print(JSON.stringify(checks.length === 1 ? checks[0] : checks, null, 2));
      else for (const check of checks) print(checkText(check));
      const sum = (of: "errors" | "warnings") => checks.reduce((total, check) => total + check[of], 0);
      const errors = sum("errors");
      if (errors) throw new InputError(`${path}: ${errors} errors, ${sum("warnings")} warnings`);
    });
  command
    .command("convert <from> <to>")
    .description(
      "Convert a dataset to another format: a file (coco, mdetr, odvg) or a folder with pictures (yolo, voc).",
    )
    .addOption(datasetOptions.as())
    .addOption(datasetOptions.images())
    .addOption(new Option("--to <format>", "output format").choices(writableFormats).makeOptionMandatory())
    .addOption(subset())
    .option(
      "--split <name or shares>",
      "split to read; or shares to divide the output into train, val and test, such as 0.8,0.1,0.1; can be repeated to give both",
      (text, all: string[]) => [...all, text],
      [],
    )
    .option("--seed <number>", "seed for dividing the images", wholeNumber(0, 2 ** 31), 0)
    .addOption(
      new Option("--pictures <way>", "for yolo and voc: how to add the pictures (default: copy)").choices(pictureWays),
    )
    .action(async (from: string, target: string, choices: ConvertChoices) => {
      for (const line of await convert(from, target, choices)) print(visibleLines(line));
    });
}

/** The problems, and a line with totals. */
function checkText({ problems, errors, warnings, format, split, ...figures }: DatasetCheck): string {
  const { images, objects, captions, labels } = figures;
  const more = errors + warnings - problems.length;
  return [
    ...problems.map((problem) => visible(`${placeText(problem)}: ${problem.severity}: ${problem.message}`)),
    ...(more > 0 ? [`… and ${more} more: ${errors} errors and ${warnings} warnings in all`] : []),
    `${format}${split === undefined ? "" : ` ${split}`}: ${images} images, ${objects} objects, ${captions} captions, ${labels} labels`,
  ].join("\n");
}

/** Converts a dataset and returns lines that describe the output. */
async function convert(
  from: string,
  target: string,
  { to, split: said, seed, pictures, ...choice }: ConvertChoices,
): Promise<string[]> {
  const isFolder = to === "yolo" || to === "voc";
  if (isFolder) checkWritableFolder(target);
  else checkWritableFile(target);
  const shares = said.flatMap((text) => [sharesOf(text) ?? []].filter(({ length }) => length > 0))[0];
  const split = said.find((text) => sharesOf(text) === undefined);
  if (!isFolder && (shares || pictures))
    throw new InputError(`${to} is a single file; shares in --split and --pictures are only for yolo and voc`);
  const chosen = { ...choice, ...(split !== undefined && { split }) };
  const sets = isFolder && !shares ? findSets(from, chosen) : [findDataset(from, chosen)];
  const parts: SourcePart[] = [];
  for (const { split: name, ...set } of sets) {
    const opened = await openSet({ ...set, ...(name !== undefined && { split: name }) }, choice);
    opened.problems.refuseErrors(from);
    const { dataset, pictures } = opened;
    if (shares) for (const part of divide(dataset, shares, seed)) parts.push({ ...part, pictures });
    else parts.push({ dataset, pictures, ...(sets.length > 1 && name !== undefined && { split: name }) });
  }
  const left = await writeDataset(parts, { format: to, path: target, ...(pictures && { pictures }) });
  const words = parts.map(
    ({ split, dataset }) => `${split === undefined ? "" : `${split} `}${dataset.images.length} images`,
  );
  return [
    `${from} (${sets[0]!.format}) → ${target} (${to}): ${words.join(", ")}`,
    ...(left.captions > 0 ? [`left out: ${left.captions} captions, which ${to} cannot store`] : []),
    ...(left.objects > 0 ? [`left out: ${left.objects} objects without a class`] : []),
    ...(left.masks > 0 ? [`left out: ${left.masks} masks; ${to} is written with boxes`] : []),
    ...(left.crowds > 0 ? [`${left.crowds} objects lost their mark of a crowd, which ${to} cannot store`] : []),
  ];
}
