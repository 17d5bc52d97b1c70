/** The options that choose an encoder (CLIP), and how commands run it. */

import type { Command } from "commander";
import { InputError } from "../../errors.ts";
import type { Encoder } from "../../tasks/classifying/encoder.ts";
import { type DeviceChoice, deviceOption } from "./device.ts";
import { fetchingWithProgress } from "./model-choice.ts";
import { wholeNumber } from "./numbers.ts";
import { type Precision, precisionOption, precisions } from "./precision.ts";
import { addQuietOption } from "./writing.ts";

export interface EncoderChoice extends DeviceChoice {
  /** Default: the built-in one. */
  model?: string;
  offline?: true;
  batch?: number;
  precision: Precision;
}

/** What `--model` takes. */
export const CLIP_MODEL =
  "CLIP model: a file (OpenAI's .pt, a state dict, safetensors), a CLIPModel folder, OWNER/NAME on the hub, or a name listed by groundling models";

/** Adds the options that choose the encoder and its precision. */
export function addEncoderOptions(command: Command): Command {
  return addEncoderUse(command.option("--model <path or name>", `${CLIP_MODEL} (default: the built-in small-clip)`));
}

/** Adds the options for an encoder that is chosen otherwise. */
export function addEncoderUse(command: Command): Command {
  return addQuietOption(command)
    .option("--offline", "fetch no model; use the cache only")
    .option("--batch <number>", "maximum number of pictures or texts in a batch", wholeNumber(1, 4096))
    .addOption(precisionOption())
    .addOption(deviceOption());
}

/** Loads the encoder. The caller disposes it. */
export async function chosenEncoder({ precision, ...choice }: EncoderChoice): Promise<Encoder> {
  const { loadEncoder } = await import("../../tasks/classifying/load-encoder.ts");
  return fetchingWithProgress(choice, (fetching) =>
    loadEncoder(choice.model, { ...precisions[precision], ...fetching }),
  );
}

/**
 * Computes the vectors of pictures in order, a batch at a time, and calls `seen` for each. Skips pictures that cannot be read; at the end,
 * writes the errors to stderr and sets the exit code.
 */
export async function eachPictureVector<File extends { source: string | URL | Uint8Array }>(
  encoder: Encoder,
  files: readonly File[],
  { batch = 16 }: { batch?: number },
  seen: (file: File, vector: Float32Array) => void,
): Promise<void> {
  const failed: string[] = [];
  for (let start = 0; start < files.length; start += batch) {
    const some: { file: File; prepared: Float32Array }[] = [];
    for (const file of files.slice(start, start + batch)) {
      const prepared = await encoder.prepareImage(file.source).catch((error: unknown) => {
        if (!(error instanceof InputError)) throw error;
        failed.push(error.message);
      });
      if (prepared) some.push({ file, prepared });
    }
    const vectors = await encoder.embedPrepared(some.map(({ prepared }) => prepared));
    some.forEach(({ file }, i) => {
      seen(file, vectors[i]!);
    });
  }
  for (const problem of failed) process.stderr.write(`groundling: ${problem}\n`);
  if (failed.length) process.exitCode = 1;
}
