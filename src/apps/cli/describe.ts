/** `groundling describe`: describes pictures in a sentence. */

import type { Command } from "commander";
import { captionFormats } from "../detections/text-formats.ts";
import { addFindingOptions, type FindingOptions, findInPictures, groundingModelOf } from "./finding.ts";
import { addGroundOptions, type GroundChoices, groundOf } from "./grounding-choice.ts";
import { wholeNumber } from "./numbers.ts";
import { PICTURES } from "./picture-files.ts";

interface Choices extends FindingOptions, GroundChoices {
  beams: number;
  words: number;
}

/** Adds the command to a program. */
export function addDescribeCommand(program: Command): void {
  const command = program
    .command("describe <pictures...>")
    .description(`Describe pictures in a sentence. Needs a GLIPv2 with captions. ${PICTURES}`)
    .option(
      "--beams <number>",
      "number of beams of the search; 1 takes the likeliest word each time",
      wholeNumber(1, 20),
      5,
    )
    .option("--words <number>", "maximum number of word pieces of a caption", wholeNumber(1, 60), 20);
  addFindingOptions(addGroundOptions(command, "caption"), captionFormats).action(
    async (images: string[], options: Choices) => {
      const how = { ...options, most: options.words, ground: groundOf(options) };
      await findInPictures(images, options, {
        load: () => groundingModelOf(options, "describe"),
        ask: async (model, picture) => {
          const { caption, score, phrases = [] } = await model.describe(picture, how);
          return { caption, captionScore: score, detections: phrases };
        },
        formats: captionFormats,
      });
    },
  );
}
