/** `groundling detect`: finds things in pictures by name. */

import type { Command } from "commander";
import { InputError } from "../../errors.ts";
import { labelsOf } from "../../inputs/words/prompts.ts";
import {
  addFindingOptions,
  checkDrawingPlace,
  type FindingOptions,
  findInPictures,
  groundingModelOf,
  locatedModelOf,
} from "./finding.ts";
import { addNameOptions, type NameChoices, NO_NAMES, namedBy } from "./names.ts";
import { PICTURES } from "./picture-files.ts";
import { addRegionOptions, detectRegions, hasRegionOption, type RegionChoices } from "./regions-detect.ts";

type Choices = FindingOptions & RegionChoices & NameChoices;

/** Adds the command to a program. */
export function addDetectCommand(program: Command): void {
  const command = program.command("detect <pictures...>").description(`Find things in pictures by name. ${PICTURES}`);
  addNameOptions(command).option(
    "--adapted <file>",
    "adapters or a tuned prompt from groundling adapt; a prompt includes its classes",
  );
  addFindingOptions(addRegionOptions(command)).action(async (images: string[], choices: Choices) => {
    const { prompt, classes, classesFile, ...options } = choices;
    const named = namedBy(choices);
    checkDrawingPlace(options);
    const names = classes ?? classesFile;
    if (hasRegionOption(choices)) return detectRegions(command, images, choices, { names });
    // Located first, because a RegionCLIP takes other options.
    const located = await locatedModelOf(options, "detect");
    try {
      if (located?.type === "groundling-region-clip")
        return await detectRegions(command, images, choices, { names, located });
      const labels = await labelsToAsk(named, options.adapted);
      if (!labels) return command.error(NO_NAMES);
      await findInPictures(images, options, {
        load: () => groundingModelOf(options, "detect", located),
        labels,
        ask: async (model, picture) => ({ detections: await model.detect(picture, prompt ?? named, options) }),
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
