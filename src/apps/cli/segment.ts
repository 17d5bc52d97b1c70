/** `groundling segment`: finds things in pictures by name, with a mask for each. */

import type { Command } from "commander";
import { addFindingOptions, type FindingOptions, findInPictures, groundingModelOf } from "./finding.ts";
import { addNameOptions, type NameChoices, NO_NAMES, namedBy } from "./names.ts";
import { PICTURES } from "./picture-files.ts";

/** Adds the command to a program. */
export function addSegmentCommand(program: Command): void {
  const command = program
    .command("segment <pictures...>")
    .description(`Find things in pictures by name, with a mask for each. Needs a GLIPv2 with a mask head. ${PICTURES}`);
  addFindingOptions(addNameOptions(command)).action(async (images: string[], options: FindingOptions & NameChoices) => {
    const labels = namedBy(options);
    if (!labels) return command.error(NO_NAMES);
    await findInPictures(images, options, {
      load: () => groundingModelOf(options, "segment"),
      labels,
      ask: async (model, picture) => ({ detections: await model.segment(picture, options.prompt ?? labels, options) }),
      remarks: (model) => model.remarks(labels),
    });
  });
}
