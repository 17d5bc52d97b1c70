/** `groundling detect`: finds things in pictures by name. */

import { type Command, Option } from "commander";
import { InputError } from "../../errors.ts";
import { labelsOf, namesInPrompt } from "../../inputs/words/prompts.ts";
import {
  addFindingOptions,
  checkDrawingPlace,
  type FindingOptions,
  findInPictures,
  groundingModelOf,
  locatedModelOf,
} from "./finding.ts";
import { commaSeparated, linesOf } from "./names.ts";
import { PICTURES } from "./picture-files.ts";
import { addRegionOptions, detectRegions, hasRegionOption, type RegionChoices } from "./regions-detect.ts";

interface Choices extends FindingOptions, RegionChoices {
  prompt?: string;
  classes?: string[];
  classesFile?: string[];
}

/** Adds the command to a program. */
export function addDetectCommand(program: Command): void {
  const command = program
    .command("detect <pictures...>")
    .description(`Find things in pictures by name. ${PICTURES}`)
    .addOption(
      new Option("--prompt <text>", 'what to find, for example "person. bicycle."').conflicts([
        "classes",
        "classesFile",
      ]),
    )
    .addOption(
      new Option("--classes <names>", "names to find, separated by commas")
        .argParser(commaSeparated)
        .conflicts("classesFile"),
    )
    .addOption(new Option("--classes-file <file>", "file with names to find, one per line").argParser(linesOf))
    .option("--adapted <file>", "adapters or a tuned prompt from groundling adapt; a prompt includes its classes");
  addFindingOptions(addRegionOptions(command)).action(async (images: string[], choices: Choices) => {
    const { prompt, classes, classesFile, ...options } = choices;
    const named = (prompt === undefined ? undefined : namesInPrompt(prompt)) ?? classes ?? classesFile;
    checkDrawingPlace(options);
    const names = classes ?? classesFile;
    if (hasRegionOption(choices)) return detectRegions(command, images, choices, { names });
    // Located first, because a RegionCLIP takes other options.
    const located = await locatedModelOf(options, "detect");
    try {
      if (located?.type === "groundling-region-clip")
        return await detectRegions(command, images, choices, { names, located });
      const labels = await labelsToAsk(named, options.adapted);
      if (!labels)
        return command.error("error: no names to find; give --prompt TEXT, --classes A,B or --classes-file FILE");
      await findInPictures(images, options, {
        load: () => groundingModelOf(options, "detect", located),
        labels,
        ask: (model, picture) => model.detect(picture, prompt ?? named, options),
        remarks: (model) => (named ? model.remarks(named) : []),
      });
    } finally {
      await located?.file?.close();
    }
  });
}

/** The given names, or the classes of an adapted prompt; adapters have no classes. Throws InputError if both are given. */
async function labelsToAsk(
  named: readonly string[] | undefined,
  adapted: string | undefined,
): Promise<readonly string[] | undefined> {
  if (adapted === undefined) return named;
  const { readAdapted } = await import("../../tasks/finding/adapted-file.ts");
  const { prompt } = await readAdapted(adapted);
  if (!prompt) return named;
  const labels = labelsOf(prompt.classes);
  if (named)
    throw new InputError(
      `${adapted} is a prompt for the classes ${labels.join(", ")}; remove --prompt and --classes, or remove --adapted`,
    );
  return labels;
}
