/** Small models and pictures of noise for end-to-end evaluations. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command } from "commander";
import sharp from "sharp";
import { addEvalCommand } from "../../src/apps/cli/eval.ts";
import { Random } from "../../src/data/random.ts";
import { glip } from "../../src/models/glip/glip.ts";
import { glipPresets } from "../../src/models/glip/glip-presets.ts";
import { writeModelFolder } from "../../src/tasks/finding/model-folder.ts";
import { loadWeights } from "../../src/weights/fit.ts";
import { openWeights } from "../../src/weights/open-weights.ts";

const golden = join(import.meta.dirname, "..", "..", "..", "shared", "golden", "glip-nano");

/** Whether the golden checkpoint is present. */
export const hasGoldenModel = existsSync(golden);

/** A nano model with random weights that knows a few words. */
export async function writeRandomModel(folder: string): Promise<void> {
  const random = new Random(6);
  const drawn = new Map(
    glip(glipPresets.nano).parameters.map(({ name, shape, initialise }) => [
      name,
      initialise(shape, () => random.unit()),
    ]),
  );
  // Heads start by finding nothing; the tests need boxes.
  for (const [name, values] of drawn) if (name.endsWith("bias0")) values.fill(0);
  const words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "cat", "dog"];
  const vocabulary = `${folder}.txt`;
  const unused = Array.from({ length: 988 - words.length }, (_, i) => `[unused${i}]`);
  writeFileSync(vocabulary, [...words, ...unused].join("\n"));
  await writeNano(folder, drawn, vocabulary);
}

/** The golden nano checkpoint as a model folder. */
export async function writeGoldenModel(folder: string): Promise<void> {
  const file = await openWeights(join(golden, "checkpoint.pth"));
  const weights = await loadWeights(glip(glipPresets.nano).parameters, file, { mayBeUnused: /./ });
  await file.close();
  await writeNano(folder, weights, join(golden, "vocab.txt"));
}

async function writeNano(folder: string, weights: Map<string, Float32Array>, vocabulary: string): Promise<void> {
  const config = glipPresets.nano;
  const tensors = glip(config).parameters.map(({ name, shape }) => ({
    name,
    dtype: "F32" as const,
    shape,
    data: weights.get(name)!,
  }));
  const size = { short: 64, max: 128 };
  await writeModelFolder(folder, { type: "groundling-glip", config, size, vocabulary, card: "", weights: tensors });
}

/** Writes a picture of noise. */
export async function writeNoise(file: string, width: number, height: number): Promise<void> {
  const random = new Random(width);
  const data = Uint8Array.from({ length: 3 * width * height }, () => random.next() >>> 24);
  mkdirSync(dirname(file), { recursive: true });
  await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(file);
}

/** The output of `groundling eval`. */
export async function printedEval(...args: string[]): Promise<string> {
  let text = "";
  const program = new Command().exitOverride();
  program.configureOutput({ writeErr: () => {}, writeOut: (chunk) => (text += chunk) });
  addEvalCommand(program);
  await program.parseAsync(["node", "groundling", "eval", ...args]);
  return text;
}
