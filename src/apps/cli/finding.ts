/** What `detect` and `ground` have in common: many pictures, one question, answers in a format. */

import { SingleBar } from "cli-progress";
import { type Command, Option } from "commander";
import { InputError } from "../../errors.ts";
import { writeInto } from "../../files/write-whole.ts";
import type { RawPicture } from "../../inputs/pictures/picture.ts";
import { DEFAULT_THRESHOLD, type DetectOptions } from "../../tasks/finding/detect-options.ts";
import type { Detection, GroundingModel } from "../../tasks/finding/grounding-model.ts";
import type { PredictorOptions } from "../../tasks/finding/predictor.ts";
import { type FormatName, formats } from "../detections/formats.ts";
import type { PictureResult } from "../detections/picture-result.ts";
import { tableOf } from "../detections/table.ts";
import { addModelOptions, type ModelChoice, modelPath } from "./model-choice.ts";
import { share, sizeRule, wholeNumber } from "./numbers.ts";
import { type PictureFile, pictureFiles, refuseSharedNames } from "./picture-files.ts";
import { print, say } from "./writing.ts";

export interface FindingOptions extends DetectOptions, ModelChoice {
  format?: FormatName;
  out?: string;
  draw?: true;
  /** File of an adapted prompt or adapters. */
  adapted?: string;
  precision: keyof typeof precisions;
}

/** In how many bits a model runs; docs/precision.md tells how far each drifts. */
const precisions = {
  float32: {},
  float16: { precision: "float16" },
  int8: { weightBits: 8 },
} as const satisfies Record<string, PredictorOptions>;

export interface Question {
  /** What is asked for; the phrases that are found when absent. */
  labels?: readonly string[];
  caption?: string;
  ask: (model: GroundingModel, picture: RawPicture, options: DetectOptions) => Promise<readonly Detection[]>;
  /** Sentences about what is asked for, told before the first picture. */
  remarks?: (model: GroundingModel) => readonly string[];
}

/** Adds the options that `detect` and `ground` share. */
export function addFindingOptions(command: Command): Command {
  return addModelOptions(command)
    .option("--threshold <score>", "only detections with at least this score", share, DEFAULT_THRESHOLD)
    .option("--text-threshold <score>", "only words that match at least this well, before the box counts", share)
    .option("--top-k <number>", "most detections per picture", wholeNumber(1, 100_000))
    .option("--nms <overlap>", "overlap above which the better box of a label stands alone", share)
    .option(
      "--size <short,max>",
      "sides to resize pictures to (default: the model's own; published 800,1333)",
      sizeRule,
    )
    .addOption(
      new Option("--precision <name>", "numbers that the model runs in")
        .choices(Object.keys(precisions))
        .default("float32"),
    )
    .addOption(new Option("--format <name>", "what to print instead of a table").choices(Object.keys(formats)))
    .option("--out <folder>", "folder to write the answers into")
    .option("--draw", "write NAME.groundling.png with boxes and labels");
}

/** Asks about every picture, prints and writes the answers; the exit code becomes 1 when a picture cannot be read. */
export async function findInPictures(
  named: readonly string[],
  options: FindingOptions,
  question: Question,
): Promise<void> {
  const { format, out, draw } = options;
  const files = pictureFiles(named);
  const chosen = format && formats[format];
  if (chosen && "texts" in chosen) {
    if (out === undefined)
      throw new InputError(`--format ${format} writes a file per picture; say where with --out FOLDER`);
    refuseSharedNames(files);
  } else if (draw) refuseSharedNames(files);
  const { pictures, failed } = await eachPicture(files, options, question);
  const labels = question.labels ?? labelsOf(pictures.flatMap(({ detections }) => detections));
  if (chosen && "texts" in chosen) {
    for (const [path, text] of chosen.texts({ pictures, labels })) await writeInto(out!, path, text);
  } else if (chosen) {
    const text = chosen.text({ pictures, labels });
    if (out !== undefined) await writeInto(out, chosen.file, text);
    print(text);
  } else print(tableOf(pictures));
  for (const problem of failed) say(`groundling: ${problem}\n`);
  if (failed.length) process.exitCode = 1;
}

/** Asks about each picture in turn; also answers with what is wrong with those that cannot be read. */
async function eachPicture(files: readonly PictureFile[], options: FindingOptions, question: Question) {
  const { decodePicture } = await import("../../inputs/pictures/picture.ts");
  const { loadModel } = await import("../../tasks/finding/load-model.ts");
  const model = await loadModel(await modelPath(options), {
    ...precisions[options.precision],
    ...(options.adapted === undefined ? {} : { adapted: options.adapted }),
  });
  for (const remark of question.remarks?.(model) ?? []) say(`groundling: ${remark}\n`);
  const bar = new SingleBar({
    stream: process.stderr,
    format: "{bar} {value}/{total} pictures · {eta_formatted} left",
    barsize: 20,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
  });
  if (files.length > 1) bar.start(files.length, 0);
  const pictures: PictureResult[] = [];
  const failed: string[] = [];
  try {
    for (const { source, image, name } of files) {
      const picture = await decodePicture(source).catch((error: unknown) => {
        if (!(error instanceof InputError)) throw error;
        failed.push(error.message);
      });
      if (picture) {
        const { width, height } = picture;
        const detections = await question.ask(model, { ...picture, channels: 3 }, options);
        const { caption } = question;
        pictures.push({ image, name, width, height, ...(caption === undefined ? {} : { caption }), detections });
        if (options.draw) {
          const { drawDetections } = await import("../detections/draw.ts");
          const drawing = await drawDetections(picture, detections, question.labels ?? labelsOf(detections));
          const path = await writeInto(options.out ?? ".", `${name}.groundling.png`, drawing);
          say(`${path}\n`);
        }
      }
      bar.increment();
    }
  } finally {
    bar.stop();
    await model.dispose();
  }
  return { pictures, failed };
}

function labelsOf(detections: readonly Detection[]): string[] {
  return [...new Set(detections.map(({ label }) => label))];
}
