/** The dataset that a model is adapted to: its splits, and what must be right before anything is trained. */

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { readCocoAnnotations } from "../../data/readers/coco-files.ts";
import { annotationFile } from "../../data/readers/formats.ts";
import { readSource } from "../../data/training/sources.ts";
import { InputError } from "../../errors.ts";
import { type ClassPrompt, classesInWords, cleanName, labelsOf, type Prompt } from "../../inputs/words/prompts.ts";
import { quote } from "../../inputs/words/spans.ts";
import type { StoredModel } from "../../tasks/finding/model-folder.ts";

/** Annotations of each split. */
export interface Splits {
  train: string;
  valid?: string;
  test?: string;
}

/** What folders of splits are called, the better first. */
const folderNames = { train: ["train"], valid: ["valid", "val", "mini_val", "minival"], test: ["test"] };

/**
 * The splits of a folder `train/`, `valid/`, `test/` as sets of Object Detection in the Wild lie; of anything else that a dataset
 * may be, it is all for training. Throws InputError where there is nothing.
 */
export function splitsOf(data: string): Splits {
  if (!existsSync(data)) throw new InputError(`${data} does not exist; give COCO annotations or a folder with train/`);
  const find = (names: readonly string[]) =>
    names.map((name) => join(data, name)).find((path) => existsSync(path) && statSync(path).isDirectory());
  const train = find(folderNames.train);
  if (!train) return { train: annotationFile(data) };
  const [valid, test] = [find(folderNames.valid), find(folderNames.test)];
  return {
    train: annotationFile(train),
    ...(valid ? { valid: annotationFile(valid) } : {}),
    ...(test ? { test: annotationFile(test) } : {}),
  };
}

/**
 * Throws InputError where a split to be scored names other classes than the training's, or in another order: learned prompts
 * stand at the places of their classes in the caption.
 */
export function refuseOtherClasses({ train, valid, test }: Splits): void {
  const classes = (file: string) => {
    const { categories } = readCocoAnnotations(file);
    return [...categories].sort((a, b) => a.id - b.id).map(({ name }) => name);
  };
  const learned = classes(train).join(", ");
  for (const file of [valid, test]) {
    const scored = file === undefined ? learned : classes(file).join(", ");
    if (scored !== learned)
      throw new InputError(
        `${file} has the classes ${scored}, ${train} has ${learned}; give all splits the same, in one order`,
      );
  }
}

export interface AdaptedData {
  /** Of all classes, in the order of their ids. */
  names: readonly string[];
  /** Of the boxes of each picture that has one. */
  classes: readonly (readonly string[])[];
  /** The classes in the words that they are asked for in. */
  asked: readonly (string | ClassPrompt)[];
  /** How they are asked for. */
  prompt: Prompt;
}

/**
 * Reads annotations for training and looks them over. Throws InputError that lists what is wrong: unknown ids, no boxes at all or
 * of a class, names without a word, too long for the model, or that read alike.
 */
export async function readAdaptedData(
  files: { data: string; images?: string },
  { words, model }: Pick<StoredModel, "words" | "model">,
  captions: readonly ClassPrompt[] = [],
): Promise<AdaptedData> {
  const { names, examples } = await readSource(files);
  if (names.length === 0)
    throw new InputError(`${files.data} has captions alone; a model is adapted to boxes of classes`);
  const unknown = labelsOf(captions).filter((label) => !names.includes(label));
  if (unknown.length > 0)
    throw new InputError(
      `captions: ${files.data} has no class ${unknown.map(quote).join(", ")}, only ${names.join(", ")}`,
    );
  const asked = classesInWords(names, captions);
  const prompt = words.promptOf(asked, { maxTokens: model.maxTokens });
  const classes = examples.map(({ objects }) => objects.flatMap((one) => ("name" in one ? [one.name] : [])));
  const boxed = new Set(classes.flat());
  const without = names.filter((name) => !boxed.has(name));
  const alike = names.filter((name, k) => names.findIndex((other) => cleanName(other) === cleanName(name)) !== k);
  const problems = [
    ...(without.length > 0
      ? [`no box of ${without.map(quote).join(", ")} to learn from: give some, or take the class away`]
      : []),
    ...(alike.length > 0 ? [`two classes are read as ${alike.map(quote).join(", ")}: rename one`] : []),
  ];
  if (problems.length > 0) throw new InputError(`${files.data} cannot be learned: ${problems.join("; ")}`);
  return { names, classes, asked, prompt };
}
