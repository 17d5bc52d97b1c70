/** `groundling classify`: chooses the name that fits a picture best. */

import { type Command, Option } from "commander";
import { imagenetTemplates } from "../../inputs/words/templates.ts";
import type { ClassScore } from "../../tasks/classifying/encoder.ts";
import { csvLine } from "../detections/csv.ts";
import { plainTable } from "../detections/plain-table.ts";
import { addEncoderOptions, chosenEncoder, type EncoderChoice, eachPictureVector } from "./encoder-choice.ts";
import { commaSeparated, linesOf } from "./names.ts";
import { wholeNumber } from "./numbers.ts";
import { PICTURES, picturesNamed } from "./picture-files.ts";
import { print } from "./writing.ts";

interface Choices extends EncoderChoice {
  labels?: string[];
  labelsFile?: string[];
  template?: string[];
  templates?: keyof typeof templateSets;
  top: number;
  format?: keyof typeof formats;
}

const templateSets = { imagenet: imagenetTemplates };

interface Classified {
  image: string;
  classes: ClassScore[];
}

const formats = {
  json: (pictures: readonly Classified[]) => `${JSON.stringify(pictures, null, 2)}\n`,
  csv: (pictures: readonly Classified[]) =>
    csvLine(["image", "label", "score", "similarity"]) +
    pictures
      .flatMap(({ image, classes }) =>
        classes.map(({ label, score, similarity }) => csvLine([image, label, score, similarity])),
      )
      .join(""),
};

/** Adds the command to a program. */
export function addClassifyCommand(program: Command): void {
  const command = program
    .command("classify <pictures...>")
    .description(`Choose the name that fits each picture best. ${PICTURES}`)
    .addOption(
      new Option("--labels <names>", "names to choose from, separated by commas")
        .argParser(commaSeparated)
        .conflicts("labelsFile"),
    )
    .addOption(new Option("--labels-file <file>", "file with names to choose from, one per line").argParser(linesOf))
    .addOption(
      new Option(
        "--template <text>",
        'prompt template with {} for the name (default "a photo of a {}."); can be repeated',
      )
        .argParser((text: string, all: string[] = []) => [...all, text])
        .conflicts("templates"),
    )
    .addOption(new Option("--templates <set>", "a set of prompt templates").choices(Object.keys(templateSets)))
    .option("--top <number>", "number of best names to print per picture", wholeNumber(1, 100_000), 5)
    .addOption(new Option("--format <name>", "print this format instead of a table").choices(Object.keys(formats)));
  addEncoderOptions(command).action(async (images: string[], choices: Choices) => {
    const labels = choices.labels ?? choices.labelsFile;
    if (!labels) return command.error("error: no names to choose from; give --labels A,B or --labels-file FILE");
    const { files } = await picturesNamed(images);
    const templates = choices.template ?? (choices.templates && templateSets[choices.templates]);
    const encoder = await chosenEncoder(choices);
    const pictures: Classified[] = [];
    try {
      const classes = await encoder.classVectors(labels, { long: "end", ...(templates ? { templates } : {}) });
      await eachPictureVector(encoder, files, choices, ({ image }, vector) => {
        pictures.push({ image, classes: encoder.rank(vector, labels, classes).slice(0, choices.top) });
      });
    } finally {
      await encoder.dispose();
    }
    print(choices.format ? formats[choices.format](pictures) : tableOf(pictures));
  });
}

function tableOf(pictures: readonly Classified[]): string {
  const rows = pictures.flatMap(({ image, classes }) =>
    classes.map(({ label, score, similarity }, i) => [
      i === 0 ? image : "",
      label,
      score.toFixed(3),
      similarity.toFixed(3),
    ]),
  );
  return `${plainTable(["picture", "label", "score", "similarity"], rows)}\n`;
}
