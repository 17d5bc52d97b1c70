/** `groundling search`: finds pictures of an index by words or by another picture. */

import { type Command, Option } from "commander";
import { optional } from "../../files/optional-package.ts";
import { writeWhole } from "../../files/write-whole.ts";
import type { Encoder } from "../../tasks/classifying/encoder.ts";
import type { FoundPicture } from "../../tasks/searching/picture-index.ts";
import { csvLine } from "../detections/csv.ts";
import { plainTable } from "../detections/plain-table.ts";
import { addEncoderUse, CLIP_MODEL, chosenEncoder, type EncoderChoice } from "./encoder-choice.ts";
import { wholeNumber } from "./numbers.ts";
import { onePicture } from "./picture-files.ts";
import { print, say } from "./writing.ts";

interface Choices extends EncoderChoice {
  image?: string;
  top: number;
  draw?: string;
  format?: keyof typeof formats;
}

const formats = {
  json: (found: readonly FoundPicture[]) => `${JSON.stringify(found, null, 2)}\n`,
  csv: (found: readonly FoundPicture[]) =>
    csvLine(["path", "similarity"]) + found.map(({ path, similarity }) => csvLine([path, similarity])).join(""),
};

/** Adds the command to a program. */
export function addSearchCommand(program: Command): void {
  const command = program
    .command("search <index> [text]")
    .description(
      "Find the pictures of an index (see groundling index) that fit a text best, or that are most like a picture. With both, the mean of the two vectors is searched for.",
    )
    .option("--image <picture>", "find pictures like this one: a file or URL")
    .option("--top <number>", "number of pictures to find", wholeNumber(1, 100_000), 20)
    .option("--draw <file>", "also write the pictures found as a contact sheet (.png); an existing file is replaced")
    .addOption(new Option("--format <name>", "print this format instead of a table").choices(Object.keys(formats)))
    .option("--model <path or name>", `${CLIP_MODEL} (default: the one that made the index)`);
  addEncoderUse(command).action(async (folder: string, text: string | undefined, choices: Choices) => {
    const { image, top, draw, format } = choices;
    if (text === undefined && image === undefined)
      return command.error("error: nothing to search for; give a text or --image PICTURE");
    const { openIndex, checkModel } = await import("../../tasks/searching/picture-index.ts");
    const index = await openIndex(folder);
    try {
      const name = choices.model ?? index.model.name;
      const encoder = await chosenEncoder({ ...choices, model: name });
      let found: FoundPicture[];
      try {
        checkModel(folder, index.model, { name, mark: encoder.mark, width: encoder.width });
        found = await index.nearest(await vectorOf(encoder, text, image), top);
      } finally {
        await encoder.dispose();
      }
      if (draw !== undefined) await drawSheet(draw, found);
      print(format ? formats[format](found) : tableOf(found));
    } finally {
      index.close();
    }
  });
}

/** The unit vector of a text, of a picture, or of the mean of both. */
async function vectorOf(encoder: Encoder, text: string | undefined, image: string | undefined) {
  const { meanOf, toUnit } = await import("../../tasks/classifying/unit-vectors.ts");
  const vectors = [
    ...(text === undefined ? [] : await encoder.embedText([text], { long: "end" })),
    ...(image === undefined ? [] : await encoder.embedImage([await onePicture(image)])),
  ];
  return toUnit(meanOf(vectors));
}

function tableOf(found: readonly FoundPicture[]): string {
  const rows = found.map(({ path, similarity }, i) => [String(i + 1), similarity.toFixed(3), path]);
  return `${plainTable(["rank", "similarity", "picture"], rows)}\n`;
}

async function drawSheet(file: string, found: readonly FoundPicture[]): Promise<void> {
  const { contactSheet } = await optional(() => import("../vectors/contact-sheet.ts"), {
    purpose: "--draw",
    packages: ["@napi-rs/canvas"],
  });
  await writeWhole(file, await contactSheet(found));
  say(`${file}\n`);
}
