/** `groundling export`: a model with its words baked in, as a plain ONNX file for other programs. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { InputError } from "../../errors.ts";
import { addModelOptions, fetchingWithProgress, type ModelChoice } from "./model-choice.ts";
import { commaSeparated } from "./names.ts";
import { pictureSize } from "./numbers.ts";
import { addQuietOption, print } from "./writing.ts";

interface Choices extends ModelChoice {
  size: { height: number; width: number };
  classes?: string[];
  adapted?: string;
  out: string;
}

/** Adds the command to a program. */
export function addExportCommand(program: Command): void {
  const command = program
    .command("export")
    .description("write a model for one size of pictures and one list of classes as plain ONNX")
    .requiredOption(
      "--size <height x width>",
      "of the prepared picture, in multiples of 32, for example 480x640",
      paddedSize,
    )
    .option("--classes <names>", "what to find, with commas between", commaSeparated)
    .addOption(
      new Option(
        "--adapted <file>",
        "adapters that groundling adapt wrote, or a prompt, which says the classes itself",
      ),
    )
    .requiredOption(
      "--out <file>",
      "ONNX file to write; FILE.json beside it says how to read its answers; both are replaced",
    );
  addQuietOption(command);
  addModelOptions(command).action(async ({ size, classes: named, adapted, out, ...choice }: Choices) => {
    const { readAdapted, withAdapted } = await import("../../tasks/finding/adapted-file.ts");
    const { exportDetector } = await import("../inspection/export-detector.ts");
    const { readModel } = await import("../../tasks/finding/model-folder.ts");
    const made = adapted === undefined ? undefined : await readAdapted(adapted);
    if (made?.prompt && named)
      throw new InputError(
        `${adapted} is a prompt with classes of its own; leave out --classes, or leave out --adapted`,
      );
    const classes = made?.prompt ?? named;
    if (!classes) return command.error("error: say what to find: --classes A,B or --adapted FILE with a prompt");
    // What was adapted is answered without the companion.
    const { companion, ...alone } = withAdapted(
      await fetchingWithProgress(choice, (fetching) => readModel(choice.model, fetching)),
      made,
    );
    const stored = companion && !made ? { ...alone, companion } : alone;
    const written = await exportDetector(stored, { ...size, classes, path: out });
    if (written.companion)
      process.stderr.write(
        `groundling: detect answers for photos by a second detector, which is in ${written.companion}; ${written.note} tells how to merge both\n`,
      );
    else if (companion)
      process.stderr.write(
        `groundling: the model's second detector, for photos, is left out: it ${made ? "was not adapted" : "knows none of these names"}\n`,
      );
    print(`${[written.model, written.note, ...(written.companion ? [written.companion] : [])].join("\n")}\n`);
  });
}

function paddedSize(text: string) {
  const size = pictureSize(text);
  if (size.height % 32 === 0 && size.width % 32 === 0) return size;
  throw new InvalidArgumentError("give multiples of 32, as pictures are padded to them.");
}
