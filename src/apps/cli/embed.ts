/** `groundling embed`: writes unit vectors of pictures and texts to a file. */

import { type Command, Option } from "commander";
import { addEncoderOptions, chosenEncoder, type EncoderChoice, eachPictureVector } from "./encoder-choice.ts";
import { linesOf } from "./names.ts";
import { picturesNamed } from "./picture-files.ts";
import { print } from "./writing.ts";

interface Choices extends EncoderChoice {
  text?: string[];
  textFile?: string[];
  out: string;
}

/** Adds the command to a program. */
export function addEmbedCommand(program: Command): void {
  const command = program
    .command("embed [pictures...]")
    .description(
      "Write pictures and texts as unit vectors. Their dot products are similarities. Pictures are written before texts.",
    )
    .addOption(
      new Option("--text <words>", "a text to embed; can be repeated").argParser((text: string, all: string[] = []) => [
        ...all,
        text,
      ]),
    )
    .addOption(new Option("--text-file <file>", "file with texts to embed, one per line").argParser(linesOf))
    .requiredOption("--out <file>", "output file: .safetensors, .npy or .parquet");
  addEncoderOptions(command).action(async (images: string[], choices: Choices) => {
    const texts = [...(choices.text ?? []), ...(choices.textFile ?? [])];
    if (images.length === 0 && texts.length === 0)
      return command.error("error: nothing to embed; give pictures, --text TEXT or --text-file FILE");
    const { vectorWriter } = await import("../vectors/vector-files.ts");
    const write = await vectorWriter(choices.out);
    const { files } = await picturesNamed(images);
    const encoder = await chosenEncoder(choices);
    const vectors: Parameters<typeof write>[0][number][] = [];
    try {
      const { batch } = choices;
      await eachPictureVector(encoder, files, choices, ({ image }, vector) => {
        vectors.push({ kind: "image", source: image, vector });
      });
      const read = await encoder.embedText(texts, { long: "end", ...(batch ? { batch } : {}) });
      read.forEach((vector, i) => {
        vectors.push({ kind: "text", source: texts[i]!, vector });
      });
      await write(vectors);
      print(`${vectors.length} vectors of ${encoder.width} numbers in ${choices.out}\n`);
    } finally {
      await encoder.dispose();
    }
  });
}
