/** `groundling detect`: finds things named by words. */

import { type Command, Option } from "commander";
import { namesInPrompt } from "../../inputs/prompts.ts";
import { addFindingOptions, type FindingOptions, findInPictures, type Question } from "./finding.ts";
import { commaSeparated, linesOf } from "./names.ts";

interface Choices extends FindingOptions {
  prompt?: string;
  classes?: string[];
  classesFile?: string[];
  adapted?: string;
}

/** Adds the command to a program. */
export function addDetectCommand(program: Command): void {
  const command = program
    .command("detect <images...>")
    .description("find things in pictures by their names; pictures are files, folders, globs or addresses")
    .addOption(
      new Option("--prompt <text>", 'what to find, for example "person. bicycle."').conflicts([
        "classes",
        "classesFile",
      ]),
    )
    .addOption(
      new Option("--classes <names>", "what to find, with commas between")
        .argParser(commaSeparated)
        .conflicts("classesFile"),
    )
    .addOption(new Option("--classes-file <file>", "what to find, one name a line").argParser(linesOf))
    .addOption(
      new Option("--adapted <file>", "a prompt that groundling adapt wrote: its classes").conflicts([
        "prompt",
        "classes",
        "classesFile",
      ]),
    );
  addFindingOptions(command).action(async (images: string[], { prompt, classes, classesFile, ...options }: Choices) => {
    const { adapted } = options;
    if (adapted !== undefined) {
      const { labelsOfAdapted, readAdaptedPrompt } = await import("../../tasks/grounding/adapted-prompt.ts");
      const tuned = await readAdaptedPrompt(adapted);
      const ask: Question["ask"] = (model, picture, how) => model.detect(picture, tuned, how);
      return findInPictures(images, options, { labels: labelsOfAdapted(tuned), ask });
    }
    const labels = (prompt === undefined ? undefined : namesInPrompt(prompt)) ?? classes ?? classesFile;
    if (!labels)
      return command.error(
        "error: say what to find: --prompt TEXT, --classes A,B, --classes-file FILE or --adapted FILE",
      );
    await findInPictures(images, options, {
      labels,
      ask: (model, picture, how) => model.detect(picture, prompt ?? labels, how),
    });
  });
}
