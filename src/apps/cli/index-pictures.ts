/** `groundling index`: makes the pictures of a folder searchable by words. */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { Interrupted, withInterruption } from "../../learning/interruption.ts";
import { ProgressBar } from "../progress/progress-bar.ts";
import { addEncoderOptions, chosenEncoder, type EncoderChoice } from "./encoder-choice.ts";
import { print, say } from "./writing.ts";

interface Choices extends EncoderChoice {
  out: string;
}

/** Adds the command to a program. */
export function addIndexCommand(program: Command): void {
  const command = program
    .command("index <folder>")
    .description(
      "Make the pictures of a folder searchable by words (see groundling search). Run it again to add new and changed pictures and to remove deleted ones; " +
        "pictures that the index has are not computed again. It can be interrupted at any time. Files that are not readable pictures are skipped and named.",
    )
    .requiredOption("--out <folder>", "folder of the index; created if missing");
  addEncoderOptions(command).action(async (folder: string, choices: Choices) => {
    const { openIndexOf } = await import("../../tasks/searching/picture-index.ts");
    const { indexFolder, picturesUnder } = await import("../../tasks/searching/index-folder.ts");
    const pictures = picturesUnder(folder);
    const encoder = await chosenEncoder(choices);
    const { mark, width } = encoder;
    const bar = new ProgressBar({ unit: "pictures", quiet: choices.quiet });
    const progress = (done: number, total: number) => {
      if (!bar.isActive) bar.start(total);
      bar.update(done);
    };
    try {
      const { BUILT_IN_CLIP } = await import("../../tasks/loading/locate.ts");
      const name = storedName(choices.model ?? BUILT_IN_CLIP);
      const index = await openIndexOf(choices.out, { name, mark, width });
      try {
        const done = await withInterruption((signal) =>
          indexFolder(index, encoder, pictures, { batch: choices.batch, progress, signal }),
        );
        bar.stop();
        for (const problem of done.skipped) say(`groundling: skipped: ${problem}\n`);
        const { added, kept, removed, skipped, left } = done;
        if (left > 0)
          throw new Interrupted(
            `interrupted with ${left} pictures left; the others are in ${choices.out}; run the same command again to continue`,
          );
        print(
          `${added} added, ${kept} already there, ${removed} removed, ${skipped.length} skipped; ${choices.out} has ${added + kept} pictures of ${folder}\n`,
        );
      } finally {
        bar.stop();
        index.close();
      }
    } finally {
      await encoder.dispose();
    }
  });
}

/** The name of a model as it is valid from any working folder. */
function storedName(model: string): string {
  return existsSync(model) ? resolve(model) : model;
}
