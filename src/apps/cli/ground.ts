/** `groundling ground`: finds the phrases of a caption. */

import type { Command } from "commander";
import { addFindingOptions, type FindingOptions, findInPictures } from "./finding.ts";
import { phraseOption } from "./names.ts";
import { PICTURES } from "./picture-files.ts";

interface Choices extends FindingOptions {
  caption: string;
  phrase?: string[];
}

/** Adds the command to a program. */
export function addGroundCommand(program: Command): void {
  const command = program
    .command("ground <images...>")
    .description(`find what a caption speaks of: its noun phrases, or the phrases given; ${PICTURES}`)
    .requiredOption("--caption <text>", "what is said about the picture")
    .addOption(phraseOption());
  addFindingOptions(command).action(async (images: string[], { caption, phrase, ...options }: Choices) => {
    await findInPictures(images, options, {
      caption,
      ask: (model, picture, how) => model.ground(picture, caption, phrase ? { ...how, phrases: phrase } : how),
      remarks: (model) => model.captionRemarks(caption, phrase ? { phrases: phrase } : {}),
    });
  });
}
