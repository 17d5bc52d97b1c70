/** Shared code of `detect`, `ground`, `segment`, `answer` and `describe`: the same request for many pictures, with output in a chosen format. */

import { type Command, Option } from "commander";
import { InputError } from "../../errors.ts";
import { optional } from "../../files/optional-package.ts";
import { checkWritableFolder } from "../../files/writable.ts";
import { writeInto } from "../../files/write-whole.ts";
import type { RawPicture } from "../../inputs/pictures/picture-source.ts";
import { Interrupted, withInterruption } from "../../learning/interruption.ts";
import type { Capability } from "../../models/parts/family.ts";
import { DEFAULT_THRESHOLD, type DetectOptions } from "../../tasks/finding/detect-options.ts";
import type { Detection } from "../../tasks/finding/detection.ts";
import type { GroundingModel } from "../../tasks/finding/grounding-model.ts";
import type { HeadCommand } from "../../tasks/finding/heads.ts";
import type { LocatedModel } from "../../tasks/loading/locate.ts";
import { type Format, formats, namedWithoutEnding } from "../detections/formats.ts";
import type { PictureResult } from "../detections/picture-result.ts";
import { type ResultWriter, resultWriter } from "../detections/result-writer.ts";
import { ProgressBar } from "../progress/progress-bar.ts";
import { addModelOptions, fetchingWithProgress, type ModelChoice } from "./model-choice.ts";
import { share, sizeRule, wholeNumber } from "./numbers.ts";
import { DRAWING, type PictureFile, picturesNamed, refuseSharedNames } from "./picture-files.ts";
import { type Precision, precisionOption, precisions } from "./precision.ts";
import { addQuietOption, print, say } from "./writing.ts";

export interface FindingOptions extends DetectOptions, ModelChoice {
  format?: string;
  out?: string;
  draw?: true;
  quiet?: boolean;
  /** File of an adapted prompt or adapters. */
  adapted?: string;
  precision: Precision;
}

/** What is asked of every picture, and the model that answers. */
export interface Question<Model extends AsyncDisposable> {
  load: () => Promise<Model>;
  /** The names to find; if absent, the phrases that are found. */
  labels?: readonly string[];
  ask: (model: Model, picture: RawPicture, file: PictureFile) => Promise<Found>;
  /** Formats of the output (default: those of detections). */
  formats?: Readonly<Record<string, Format>>;
  /** Remarks about the question, printed before the first picture. */
  remarks?: (model: Model) => readonly string[];
}

/** What is found in a picture: detections, and a caption or answers. */
export type Found = Omit<PictureResult, "image" | "name" | "width" | "height">;

/** Adds the options that these commands share. */
export function addFindingOptions(command: Command, known: Readonly<Record<string, Format>> = formats): Command {
  return addQuietOption(addModelOptions(command))
    .option("--threshold <score>", "minimum score of detections", share, DEFAULT_THRESHOLD)
    .option(
      "--text-threshold <score>",
      "minimum score of the words alone, before it is combined with the score of the box (default: 0.05)",
      share,
    )
    .option("--top-k <number>", "maximum number of detections per picture (default: 100)", wholeNumber(1, 100_000))
    .option(
      "--nms <overlap>",
      "of two boxes with the same label and more overlap (IoU) than this, keep the better one (default: 0.6)",
      share,
    )
    .option(
      "--size <short,max>",
      "resize pictures to these sides in pixels (default: the model's own; 800,1333 for published models)",
      sizeRule,
    )
    .addOption(precisionOption())
    .addOption(new Option("--format <name>", "print this format instead of a table").choices(Object.keys(known)))
    .option("--out <folder>", "output folder; existing files are replaced")
    .option("--draw", `draw boxes and labels into NAME${DRAWING}; existing files are replaced`);
}

/** Throws InputError if drawings go into a folder that cannot be written. */
export function checkDrawingPlace({ draw, out }: Pick<FindingOptions, "draw" | "out">): void {
  if (draw && out === undefined) checkWritableFolder(".");
}

/**
 * Runs the model on every picture and writes each result at once. Sets the exit code to 1 if a picture cannot be read.
 * After Ctrl-C, finishes the current picture, completes the output and throws Interrupted.
 */
export async function findInPictures<Model extends AsyncDisposable>(
  named: readonly string[],
  options: Pick<FindingOptions, "format" | "out" | "draw" | "quiet">,
  question: Question<Model>,
): Promise<void> {
  const { format, out, draw, quiet } = options;
  const { files, drawings } = await picturesNamed(named);
  if (drawings > 0 && !quiet)
    say(`skipped ${drawings} drawings (*${DRAWING}); to include them, name them one by one\n`);
  const chosen = format === undefined ? undefined : (question.formats ?? formats)[format];
  if (chosen?.kind === "folder" && out === undefined)
    throw new InputError(`--format ${format} writes one file per picture; give the output folder with --out FOLDER`);
  if (draw || (format && namedWithoutEnding.has(format))) refuseSharedNames(files);
  // Before the model is loaded, because the packages may be missing.
  const drawing = draw ? await loadDrawing() : undefined;
  const model = await question.load();
  const bar = new ProgressBar({ unit: "pictures", quiet: quiet || files.length < 2 });
  const answers = resultWriter({
    format: chosen,
    out,
    labels: question.labels,
    print: (text) => bar.aside(() => print(text)),
  });
  if (!quiet) for (const remark of question.remarks?.(model) ?? []) say(`groundling: ${remark}\n`);
  try {
    await withInterruption((signal) => eachPicture(files, options, { question, model, answers, drawing, bar, signal }));
  } finally {
    bar.stop();
    await model[Symbol.asyncDispose]();
  }
}

/** The model that is chosen, to tell its family; undefined for the built-in one. Loading it closes its file. */
export async function locatedModelOf(
  // The device is tried when the model is loaded.
  { device: _, ...choice }: ModelChoice,
  command: Capability,
): Promise<LocatedModel | undefined> {
  const { model } = choice;
  if (model === undefined) return undefined;
  const { locateModel } = await import("../../tasks/loading/locate.ts");
  return fetchingWithProgress(choice, (fetching) => locateModel(model, command, fetching));
}

/** Loads the model that is chosen, for a command. */
export async function groundingModelOf(
  options: FindingOptions,
  command: "detect" | "ground" | HeadCommand,
  located?: LocatedModel,
): Promise<GroundingModel> {
  const { loadModelFor } = await import("../../tasks/finding/load-model.ts");
  return fetchingWithProgress(options, (fetching) =>
    loadModelFor(command, located ?? options.model, {
      ...precisions[options.precision],
      ...(options.adapted === undefined ? {} : { adapted: options.adapted }),
      ...fetching,
    }),
  );
}

interface Work<Model extends AsyncDisposable> {
  question: Question<Model>;
  model: Model;
  answers: ResultWriter;
  /** If boxes are to be drawn. */
  drawing: typeof import("../detections/draw.ts") | undefined;
  bar: ProgressBar;
  signal: AbortSignal;
}

function loadDrawing() {
  return optional(() => import("../detections/draw.ts"), {
    purpose: "--draw",
    packages: ["@napi-rs/canvas", "@fontsource/inter"],
  });
}

/** Runs the model on each picture, then reports the pictures that cannot be read. */
async function eachPicture<Model extends AsyncDisposable>(
  files: readonly PictureFile[],
  { out = "." }: Pick<FindingOptions, "out">,
  { question, model, answers, drawing, bar, signal }: Work<Model>,
): Promise<void> {
  const { decodePicture } = await import("../../inputs/pictures/picture.ts");
  const failed: string[] = [];
  let done = 0;
  bar.start(files.length);
  bar.update(0);
  for (const file of files) {
    const { source, image, name } = file;
    if (signal.aborted) break;
    const picture = await decodePicture(source).catch((error: unknown) => {
      if (!(error instanceof InputError)) throw error;
      failed.push(error.message);
    });
    if (picture) {
      const { width, height } = picture;
      const found = await question.ask(model, { ...picture, channels: 3 }, file);
      await answers.add({ image, name, width, height, ...found });
      if (drawing) {
        const { detections } = found;
        const labels = question.labels ?? labelsOf(detections);
        const drawn = await drawing.drawDetections(picture, detections, labels, sentencesOf(found));
        const path = await writeInto(out, `${name}${DRAWING}`, drawn);
        bar.aside(() => say(`${path}\n`));
      }
    }
    bar.update(++done);
  }
  bar.stop();
  await answers.end();
  for (const problem of failed) say(`groundling: ${problem}\n`);
  if (done < files.length) throw new Interrupted(`interrupted after ${done} of ${files.length} pictures`);
  if (failed.length) process.exitCode ??= 1;
}

/** The sentences to write under a drawing: what the model wrote itself. */
function sentencesOf({ caption, captionScore, answers = [] }: Found): string[] {
  const described = caption !== undefined && captionScore !== undefined ? [caption] : [];
  return [...described, ...answers.map(({ question, answer }) => `${question} ${answer}`)];
}

function labelsOf(detections: readonly Detection[]): string[] {
  return [...new Set(detections.map(({ label }) => label))];
}
