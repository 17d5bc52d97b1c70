/** The options that ask for the phrases of a question or caption in the picture. */

import type { Command } from "commander";
import type { Ground } from "../../tasks/finding/understanding.ts";

/** Whether phrases are found, and with masks. */
export interface GroundChoices {
  ground?: true;
  masks?: true;
}

/** Adds the options to a command; `text` says whose phrases are found. */
export function addGroundOptions(command: Command, text: "question" | "caption"): Command {
  return command
    .option("--ground", `find the noun phrases of the ${text}, too`)
    .option("--masks", "the same, with a mask for each phrase");
}

/** What the library is asked for. */
export function groundOf({ ground, masks }: GroundChoices): Ground {
  return masks ? "masks" : ground === true;
}
