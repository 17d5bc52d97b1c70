/** `groundling export`: writes a model for a fixed list of classes as an ONNX file for other programs. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { InputError } from "../../errors.ts";
import { addModelChoice, fetchingWithProgress, type ModelChoice } from "./model-choice.ts";
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
    .description("Write an ONNX file of a model for one picture size and one list of classes.")
    .requiredOption(
      "--size <height x width>",
      "height and width of the input in pixels, multiples of 32, for example 480x640",
      paddedSize,
    )
    .option("--classes <names>", "names to find, separated by commas", commaSeparated)
    .addOption(
      new Option("--adapted <file>", "adapters or a tuned prompt from groundling adapt; a prompt includes its classes"),
    )
    .requiredOption(
      "--out <file>",
      "ONNX file to write; FILE.json explains its inputs and outputs; existing files are replaced",
    );
  addQuietOption(command);
  addModelChoice(command).action(async ({ size, classes: named, adapted, out, ...choice }: Choices) => {
    const { readAdapted, withAdapted } = await import("../../tasks/finding/adapted-file.ts");
    const { exportDetector } = await import("../inspection/export-detector.ts");
    const { readModel } = await import("../../tasks/finding/model-folder.ts");
    const made = adapted === undefined ? undefined : await readAdapted(adapted);
    if (made?.prompt && named)
      throw new InputError(`${adapted} is a prompt with its own classes; remove --classes, or remove --adapted`);
    const classes = made?.prompt ?? named;
    if (!classes) return command.error("error: no names to find; give --classes A,B or --adapted FILE with a prompt");
    // The companion knows nothing of the adaptation.
    const { companion, ...alone } = withAdapted(
      await fetchingWithProgress(choice, (fetching) => readModel(choice.model, fetching, "export")),
      made,
    );
    const stored = companion && !made ? { ...alone, companion } : alone;
    const written = await exportDetector(stored, { ...size, classes, path: out });
    if (written.companion)
      process.stderr.write(
        `groundling: detect uses a second detector for photos, written to ${written.companion}; ${written.note} explains how to merge both\n`,
      );
    else if (companion)
      process.stderr.write(
        `groundling: the model's second detector, for photos, is not exported: it ${made ? "was not adapted" : "knows none of these names"}\n`,
      );
    print(`${[written.model, written.note, ...(written.companion ? [written.companion] : [])].join("\n")}\n`);
  });
}

function paddedSize(text: string) {
  const size = pictureSize(text);
  if (size.height % 32 === 0 && size.width % 32 === 0) return size;
  throw new InvalidArgumentError("give multiples of 32, because pictures are padded to them.");
}
