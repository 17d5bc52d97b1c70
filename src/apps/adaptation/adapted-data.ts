/** The dataset for an adaptation: its splits, and checks before training. */

import { statSync } from "node:fs";
import { type DatasetChoice, findSets } from "../../data/readers/find-dataset.ts";
import { readGroundTruth } from "../../data/readers/ground-truth.ts";
import { roleOf, type SplitRole } from "../../data/readers/splits.ts";
import { readSource, type SourceFiles } from "../../data/training/sources.ts";
import { InputError } from "../../errors.ts";
import type { Size } from "../../inputs/pictures/resize.ts";
import { type ClassPrompt, classesInWords, cleanName, labelsOf, type Prompt } from "../../inputs/words/prompts.ts";
import { quote } from "../../inputs/words/spans.ts";
import type { StoredModel } from "../../tasks/finding/model-folder.ts";

/** The dataset of each split. */
export interface Splits {
  train: SourceFiles;
  valid?: SourceFiles;
  test?: SourceFiles;
}

/**
 * The splits train, valid (or val) and test of a dataset. A dataset without splits, or a chosen split, is used for training only.
 * Throws InputError if there is no dataset, or if the split to train on is not clear.
 */
export function splitsOf(data: string, choice: DatasetChoice = {}): Splits {
  const sets = findSets(data, choice, "boxes");
  const [only, ...more] = sets;
  // The path of a file determines the split; a split of a folder needs its name.
  const source = ({ path, split, format }: (typeof sets)[number]): SourceFiles => ({
    ...(statSync(path).isFile() && format !== "yolo"
      ? { data: path }
      : { data, ...(split !== undefined && { split }) }),
    as: format,
    ...(choice.images !== undefined && { images: choice.images }),
  });
  if (more.length === 0) return { train: source(only!) };
  const of = (role: SplitRole) => sets.filter(({ split }) => split !== undefined && roleOf(split) === role);
  const [train, valid, test] = [of("train"), of("valid"), of("test")];
  if (train.length === 1)
    return {
      train: source(train[0]!),
      ...(valid[0] && { valid: source(valid[0]) }),
      ...(test[0] && { test: source(test[0]) }),
    };
  const names = sets.map(({ split, path }) => split ?? path).join(", ");
  const what = train.length === 0 ? "none of them is named train" : "several are for training";
  throw new InputError(`${data} has the splits ${names}, and ${what}; choose one to train on with --split NAME`);
}

/**
 * Throws InputError if valid or test has other classes than train, or the same in another order: a tuned prompt depends on the
 * position of each class in the caption.
 */
export async function refuseOtherClasses({ train, valid, test }: Splits): Promise<void> {
  const classes = async (files: SourceFiles) => {
    const { truth } = await readGroundTruth(files.data, files);
    return [...truth.categories].sort((a, b) => a.id - b.id).map(({ name }) => name);
  };
  const learned = (await classes(train)).join(", ");
  for (const files of [valid, test]) {
    const scored = files === undefined ? learned : (await classes(files)).join(", ");
    if (scored !== learned)
      throw new InputError(
        `${nameOfSource(files!)} has the classes ${scored}, but ${nameOfSource(train)} has ${learned}; give all splits the same classes in the same order`,
      );
  }
}

/** The path of a source, with its split if the path does not determine it. */
export function nameOfSource({ data, split }: SourceFiles): string {
  return split === undefined ? data : `${data} (${split})`;
}

export interface AdaptedData {
  /** Names of all classes, in the order of their ids. */
  names: readonly string[];
  /** For each picture, the class names of its boxes. */
  classes: readonly (readonly string[])[];
  /** Sizes of all pictures, in pixels. */
  sizes: readonly Size[];
  /** The classes with the words used in the prompt. */
  asked: readonly (string | ClassPrompt)[];
  /** The prompt for all classes. */
  prompt: Prompt;
}

/**
 * Reads and checks annotations for training. Throws InputError that lists all problems: unknown ids, no boxes, classes without
 * boxes, and class names that are empty, too long for the model, or equal after cleaning.
 */
export async function readAdaptedData(
  files: SourceFiles,
  { words, model }: Pick<StoredModel, "words" | "model">,
  captions: readonly ClassPrompt[] = [],
): Promise<AdaptedData> {
  const { names, examples } = await readSource(files);
  if (names.length === 0)
    throw new InputError(`${files.data} has only captions; adapting a model needs boxes of classes`);
  const unknown = labelsOf(captions).filter((label) => !names.includes(label));
  if (unknown.length > 0)
    throw new InputError(
      `captions: ${files.data} has no class ${unknown.map(quote).join(", ")}; it has ${names.join(", ")}`,
    );
  const asked = classesInWords(names, captions);
  const prompt = words.promptOf(asked, { maxTokens: model.maxTokens });
  const classes = examples.map(({ objects }) => objects.flatMap((one) => ("name" in one ? [one.name] : [])));
  const boxed = new Set(classes.flat());
  const without = names.filter((name) => !boxed.has(name));
  const alike = names.filter((name, k) => names.findIndex((other) => cleanName(other) === cleanName(name)) !== k);
  const problems = [
    ...(without.length > 0
      ? [`there are no boxes of ${without.map(quote).join(", ")}: add some, or remove the class`]
      : []),
    ...(alike.length > 0
      ? [`two classes have the same name for the model, ${alike.map(quote).join(", ")}: rename one`]
      : []),
  ];
  if (problems.length > 0) throw new InputError(`${files.data} cannot be used for training: ${problems.join("; ")}`);
  const sizes = examples.map(({ width, height }) => ({ width, height }));
  return { names, classes, sizes, asked, prompt };
}
