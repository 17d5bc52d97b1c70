/** The encoder that a command runs. */

import { type Command, Option } from "commander";
import { InputError } from "../../errors.ts";
import type { Encoder } from "../../tasks/classifying/encoder.ts";
import { fetchingWithProgress } from "./model-choice.ts";
import { wholeNumber } from "./numbers.ts";
import { addQuietOption } from "./writing.ts";

export interface EncoderChoice {
  model: string;
  offline?: true;
  quiet?: boolean;
  batch?: number;
  precision: keyof typeof precisions;
}

const precisions = {
  float32: {},
  float16: { precision: "float16" },
  int8: { weightBits: 8 },
} as const;

/** Adds the options that say which encoder, and how it runs. */
export function addEncoderOptions(command: Command): Command {
  return addQuietOption(command)
    .requiredOption(
      "--model <path or name>",
      "a CLIP: a file (OpenAI's .pt, a state dict, safetensors), a folder of a CLIPModel, OWNER/NAME on the hub, or a name of groundling models",
    )
    .option("--offline", "fetch no model; take what is there")
    .option("--batch <number>", "most pictures or texts at once", wholeNumber(1, 4096))
    .addOption(
      new Option("--precision <name>", "numbers that the model runs in")
        .choices(Object.keys(precisions))
        .default("float32"),
    );
}

/** Loads the encoder, to be disposed when done. */
export async function chosenEncoder({ precision, ...choice }: EncoderChoice): Promise<Encoder> {
  const { loadEncoder } = await import("../../tasks/classifying/load-encoder.ts");
  return fetchingWithProgress(choice, (fetching) =>
    loadEncoder(choice.model, { ...precisions[precision], ...fetching }),
  );
}

/**
 * The vectors of pictures in their order, a batch at a time; `seen` is called for each as it is done. Pictures that cannot be read are left
 * out, and what is wrong with them is told on stderr at the end and by the exit code.
 */
export async function eachPictureVector<File extends { source: string | URL | Uint8Array }>(
  encoder: Encoder,
  files: readonly File[],
  { batch = 16 }: { batch?: number },
  seen: (file: File, vector: Float32Array) => void,
): Promise<void> {
  const { decodePicture } = await import("../../inputs/pictures/picture.ts");
  const failed: string[] = [];
  for (let start = 0; start < files.length; start += batch) {
    const some: { file: File; picture: { data: Uint8Array; width: number; height: number; channels: number } }[] = [];
    for (const file of files.slice(start, start + batch)) {
      const picture = await decodePicture(file.source).catch((error: unknown) => {
        if (!(error instanceof InputError)) throw error;
        failed.push(error.message);
      });
      if (picture) some.push({ file, picture: { ...picture, channels: 3 } });
    }
    const vectors = await encoder.embedImage(
      some.map(({ picture }) => picture),
      { batch },
    );
    some.forEach(({ file }, i) => {
      seen(file, vectors[i]!);
    });
  }
  for (const problem of failed) process.stderr.write(`groundling: ${problem}\n`);
  if (failed.length) process.exitCode = 1;
}
