/** `groundling ground`: finds the phrases of a caption in pictures. */

import type { Command } from "commander";
import {
  addFindingOptions,
  checkDrawingPlace,
  type FindingOptions,
  findInPictures,
  groundingModelOf,
} from "./finding.ts";
import { phraseOption } from "./names.ts";
import { PICTURES } from "./picture-files.ts";

interface Choices extends FindingOptions {
  caption: string;
  phrase?: string[];
}

/** Adds the command to a program. */
export function addGroundCommand(program: Command): void {
  const command = program
    .command("ground <pictures...>")
    .description(`Find what a caption mentions: its noun phrases, or the phrases you give. ${PICTURES}`)
    .requiredOption("--caption <text>", "caption of the picture")
    .addOption(phraseOption());
  addFindingOptions(command).action(async (images: string[], { caption, phrase, ...options }: Choices) => {
    checkDrawingPlace(options);
    await findInPictures(images, options, {
      load: () => groundingModelOf(options, "ground"),
      ask: async (model, picture) => {
        const how = phrase ? { ...options, phrases: phrase } : options;
        return { caption, detections: await model.ground(picture, caption, how) };
      },
      remarks: (model) => model.captionRemarks(caption, phrase ? { phrases: phrase } : {}),
    });
  });
}
