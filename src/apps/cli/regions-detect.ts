/** The part of `groundling detect` for models with regions (RegionCLIP): names, given boxes, and things like an example. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { InputError } from "../../errors.ts";
import type { Box } from "../../tasks/finding/detection.ts";
import type { LocatedModel } from "../../tasks/loading/locate.ts";
import type { RegionModel } from "../../tasks/regions/region-model.ts";
import type { Fusion, RegionDetectOptions } from "../../tasks/regions/region-options.ts";
import { ProgressBar } from "../progress/progress-bar.ts";
import { type FindingOptions, findInPictures } from "./finding.ts";
import { fetchingWithProgress, type ModelChoice } from "./model-choice.ts";
import { share, wholeNumber } from "./numbers.ts";
import { onePicture } from "./picture-files.ts";
import { type Precision, precisions } from "./precision.ts";

/** The files of a model with regions. */
export interface RegionFilesChoice extends ModelChoice {
  proposals?: string;
  textModel?: string;
  precision: Precision;
}

export interface RegionChoices extends RegionFilesChoice {
  prompt?: string;
  adapted?: string;
  boxes?: string;
  regions?: number;
  fusion?: Fusion;
  softNms?: number;
  zeroShot?: true;
  like?: string[];
  box?: Box[];
  label?: string;
  words?: number;
}

const FUSIONS = ["none", "logit", "sigmoid"] as const satisfies readonly Fusion[];

/** Adds the options that say which files a model with regions needs. */
export function addRegionFiles(command: Command): Command {
  return command
    .option("--proposals <file>", "RegionCLIP: file of region proposals (rpn_*.pth), if the model's file has none")
    .option(
      "--text-model <path or name>",
      "RegionCLIP: CLIP whose text encoder reads the names (default: the model's own, or the published CLIP of its size)",
    )
    .option("--boxes <file>", "RegionCLIP: classify these boxes: a JSON list of [x,y,width,height], or a COCO file")
    .option(
      "--regions <number>",
      "RegionCLIP: maximum number of region proposals (default: 300)",
      wholeNumber(1, 1000),
    );
}

/** Adds the options of models with regions to `detect`. */
export function addRegionOptions(command: Command): Command {
  return addRegionFiles(command)
    .addOption(
      new Option("--fusion <how>", "RegionCLIP: how to combine a score with the proposal's logit").choices(FUSIONS),
    )
    .option("--soft-nms <sigma>", "RegionCLIP: lower the scores of overlapping boxes instead of removing them", above0)
    .option("--zero-shot", "RegionCLIP: keep the boxes of proposals as they are, even if the model can move them")
    .option("--like <picture>", "RegionCLIP: find things like the one in --box of this picture; can be repeated", all)
    .addOption(
      new Option("--box <x,y,width,height>", "box of an example, in pixels; one for each --like").argParser(boxes),
    )
    .option("--label <name>", "label of what is found by --like")
    .option("--words <weight>", "weight of the words of --label beside the examples, 0 to 1 (default: 0)", share);
}

/** The options that need a model with regions, as a user writes them. */
const regionOptions = {
  boxes: "--boxes",
  proposals: "--proposals",
  textModel: "--text-model",
  like: "--like",
  regions: "--regions",
  fusion: "--fusion",
  softNms: "--soft-nms",
  zeroShot: "--zero-shot",
} as const satisfies Partial<Record<keyof RegionChoices, string>>;

/** Whether an option needs a model with regions. Throws InputError if no model is given with it. */
export function hasRegionOption(choices: RegionChoices): boolean {
  const needs = (Object.keys(regionOptions) as (keyof typeof regionOptions)[]).find(
    (option) => choices[option] !== undefined,
  );
  if (needs !== undefined && choices.model === undefined)
    throw new InputError(`${regionOptions[needs]} needs a RegionCLIP; give it with --model`);
  return needs !== undefined;
}

/** Loads a model with regions, which may have been located. The caller disposes it. */
export async function regionModelOf(choices: RegionFilesChoice, located?: LocatedModel): Promise<RegionModel> {
  const { loadLocatedRegionModel } = await import("../../tasks/regions/load-region-model.ts");
  const { proposals, textModel, precision } = choices;
  const model = located ?? choices.model;
  if (model === undefined) throw new InputError("there is no model with regions; give a RegionCLIP with --model");
  return fetchingWithProgress(choices, (fetching) =>
    loadLocatedRegionModel(model, {
      ...precisions[precision],
      ...(proposals === undefined ? {} : { proposals }),
      ...(textModel === undefined ? {} : { textModel }),
      ...fetching,
    }),
  );
}

/** Runs `detect` with a model with regions. */
export async function detectRegions(
  command: Command,
  images: string[],
  choices: RegionChoices & FindingOptions,
  { names, located }: { names: readonly string[] | undefined; located?: LocatedModel },
): Promise<void> {
  if (choices.prompt !== undefined || choices.adapted !== undefined)
    throw new InputError("a RegionCLIP reads names alone; give --classes A,B instead of a prompt or an adapted file");
  const { like, box: exampleBoxes = [], label = like?.join(", "), words } = choices;
  if ((like?.length ?? 0) !== exampleBoxes.length)
    throw new InputError(
      `--like is given ${like?.length ?? 0} times and --box ${exampleBoxes.length} times; give a box for each`,
    );
  if (like && names) throw new InputError("--like finds one kind of thing; leave out --classes, and give --label");
  if (!like && !names)
    return command.error("error: no names to find; give --classes A,B, --classes-file FILE or --like");
  const { boxesOfPicture, readGivenBoxes } = await import("./given-boxes.ts");
  const given = choices.boxes === undefined ? undefined : readGivenBoxes(choices.boxes, images.length);
  const bar = new ProgressBar({ unit: "names", quiet: choices.quiet === true });
  const how = (image: string): RegionDetectOptions => ({
    ...optionsOf(choices),
    ...(given ? { boxes: boxesOfPicture(given, image) } : {}),
    progress: progressOf(bar),
  });
  const examples: { image: string | URL | Uint8Array; box: Box }[] = [];
  for (const [i, one] of (like ?? []).entries()) examples.push({ image: await onePicture(one), box: exampleBoxes[i]! });
  const likeness = { examples, label: label!, ...(words === undefined ? {} : { words }) };
  await findInPictures(images, choices, {
    load: () => regionModelOf(choices, located),
    labels: names ?? [label!],
    ask: async (model, picture, { image }) => ({
      detections: names
        ? await model.detect(picture, names, how(image))
        : await model.detectLike(picture, likeness, how(image)),
    }),
  });
}

function optionsOf({ threshold, topK, nms, softNms, size, fusion, regions, zeroShot }: RegionChoices & FindingOptions) {
  return {
    ...(threshold === undefined ? {} : { threshold }),
    ...(topK === undefined ? {} : { topK }),
    ...(nms === undefined ? {} : { nms }),
    ...(softNms === undefined ? {} : { softNms }),
    ...(size === undefined ? {} : { size }),
    ...(fusion === undefined ? {} : { fusion }),
    ...(regions === undefined ? {} : { regions }),
    ...(zeroShot === undefined ? {} : { zeroShot }),
  } satisfies RegionDetectOptions;
}

/** Shows how many class vectors are made, if any must be. */
export function progressOf(bar: ProgressBar): (done: number, total: number) => void {
  return (done, total) => {
    if (!bar.isActive && done < total) bar.start(total);
    if (!bar.isActive) return;
    bar.update(done);
    if (done === total) bar.stop();
  };
}

function all(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function above0(text: string): number {
  const number = Number(text);
  if (text.trim() !== "" && number > 0 && number <= 100) return number;
  throw new InvalidArgumentError("give a number above 0, such as 0.5.");
}

function boxes(text: string, before: Box[] = []): Box[] {
  const [x, y, width, height, ...more] = text.split(",").map(Number);
  if (more.length > 0 || ![x, y, width, height].every(Number.isFinite) || !(width! > 0 && height! > 0))
    throw new InvalidArgumentError("give x,y,width,height in pixels, such as 10,20,200,100.");
  return [...before, { xmin: x!, ymin: y!, xmax: x! + width!, ymax: y! + height! }];
}
