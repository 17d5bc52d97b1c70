/** `groundling regions`: writes the regions of pictures with their vectors. */

import { type Command, Option } from "commander";
import { InputError } from "../../errors.ts";
import type { RawPicture } from "../../inputs/pictures/picture-source.ts";
import { Interrupted, withInterruption } from "../../learning/interruption.ts";
import type { RegionModel } from "../../tasks/regions/region-model.ts";
import type { RegionSourceOptions } from "../../tasks/regions/region-options.ts";
import { ProgressBar } from "../progress/progress-bar.ts";
import { deviceOption } from "./device.ts";
import { boxesOfPicture, readGivenBoxes } from "./given-boxes.ts";
import { commaSeparated, linesOf } from "./names.ts";
import { sizeRule } from "./numbers.ts";
import { PICTURES, picturesNamed } from "./picture-files.ts";
import { precisionOption } from "./precision.ts";
import { addRegionFiles, progressOf, type RegionFilesChoice, regionModelOf } from "./regions-detect.ts";
import { addQuietOption, print, say } from "./writing.ts";

interface Choices extends RegionFilesChoice {
  out: string;
  classes?: string[];
  classesFile?: string[];
  boxes?: string;
  regions?: number;
  size?: { short: number; max: number };
}

/** Adds the command to a program. */
export function addRegionsCommand(program: Command): void {
  const command = program
    .command("regions <images...>")
    .description(
      `Write the regions of pictures with their vectors (RegionCLIP); with names, also the score of each name. ${PICTURES}`,
    )
    .requiredOption("--out <file>", ".parquet file to write; an existing file is replaced")
    .addOption(
      new Option("--classes <names>", "names to score, separated by commas")
        .argParser(commaSeparated)
        .conflicts("classesFile"),
    )
    .addOption(
      new Option("--classes-file <file>", "file with names to score, one per line, or concepts (.json)").argParser(
        linesOf,
      ),
    )
    .option("--size <short,max>", "resize pictures to these sides in pixels (default: 800,1333)", sizeRule);
  addRegionFiles(addQuietOption(command))
    .requiredOption(
      "--model <path or name>",
      "RegionCLIP: a checkpoint (regionclip_*.pth), a folder, or a CLIP with a ResNet",
    )
    .option("--offline", "fetch no model; use the cache only")
    .addOption(deviceOption())
    .addOption(precisionOption())
    .action(writeRegions);
}

async function writeRegions(images: string[], choices: Choices): Promise<void> {
  const { regionFile, wantParquet } = await import("../vectors/region-files.ts");
  const { decodePicture } = await import("../../inputs/pictures/picture.ts");
  const { out, regions, size } = choices;
  const names = choices.classes ?? choices.classesFile;
  await wantParquet(out);
  const { files } = await picturesNamed(images);
  const given = choices.boxes === undefined ? undefined : readGivenBoxes(choices.boxes, files.length);
  await using model = await regionModelOf(choices);
  const quiet = choices.quiet === true;
  if (names) await model.classVectors(names, progressOf(new ProgressBar({ unit: "names", quiet })));
  const file = await regionFile(out, { width: model.width, ...(names ? { names } : {}) });
  const bar = new ProgressBar({ unit: "pictures", quiet: quiet || files.length < 2 });
  const failed: string[] = [];
  let [done, count] = [0, 0];
  bar.start(files.length);
  try {
    await withInterruption(async (signal) => {
      for (const { source, image } of files) {
        if (signal.aborted) break;
        const picture = await decodePicture(source).catch((error: unknown) => {
          if (!(error instanceof InputError)) throw error;
          failed.push(error.message);
        });
        const boxes = given ? { boxes: boxesOfPicture(given, image) } : {};
        const how = { ...boxes, ...(regions ? { regions } : {}), ...(size ? { size } : {}) };
        const rows = picture ? await rowsOf(model, { ...picture, channels: 3 }, { image, names, how }) : [];
        file.add(rows);
        count += rows.length;
        bar.update(++done);
      }
    });
  } finally {
    bar.stop();
  }
  await file.end();
  for (const problem of failed) say(`groundling: ${problem}\n`);
  if (done < files.length)
    throw new Interrupted(`interrupted after ${done} of ${files.length} pictures, whose regions are in ${out}`);
  if (failed.length) process.exitCode ??= 1;
  print(
    `${count} regions of ${files.length - failed.length} pictures, with vectors of ${model.width} numbers, in ${out}\n`,
  );
}

/** The regions of a picture, with their scores if there are names. */
async function rowsOf(
  model: RegionModel,
  picture: RawPicture,
  { image, names, how }: { image: string; names: readonly string[] | undefined; how: RegionSourceOptions },
) {
  const found = await model.regions(picture, how);
  const scores = names ? await model.scores(found, names) : undefined;
  return found.map((region, i) => ({ ...region, image, ...(scores ? { scores: scores[i]! } : {}) }));
}
