/** The dataset that a model is adapted to: its splits, and what must be right before anything is trained. */

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
 * The splits of a dataset: what is called train, valid (val) and test. A dataset in one piece, or a split that is said, is all for training.
 * Throws InputError where there is nothing, or where it is unclear what to train on.
 */
export function splitsOf(data: string, choice: DatasetChoice = {}): Splits {
  const sets = findSets(data, choice, "boxes");
  const [only, ...more] = sets;
  // A file names its split by itself; a split of a folder is found there again.
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
  const what = train.length === 0 ? "none of them is called train" : "several are for training";
  throw new InputError(`${data} has the splits ${names}, and ${what}; say which to train on with --split NAME`);
}

/**
 * Throws InputError where a split to be scored names other classes than the training's, or in another order: learned prompts
 * stand at the places of their classes in the caption.
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
        `${nameOfSource(files!)} has the classes ${scored}, ${nameOfSource(train)} has ${learned}; give all splits the same, in one order`,
      );
  }
}

/** The path of a source, with its split where the path does not tell. */
export function nameOfSource({ data, split }: SourceFiles): string {
  return split === undefined ? data : `${data} (${split})`;
}

export interface AdaptedData {
  /** Of all classes, in the order of their ids. */
  names: readonly string[];
  /** Of the boxes of each picture that has one. */
  classes: readonly (readonly string[])[];
  /** Of all pictures, in pixels. */
  sizes: readonly Size[];
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
  files: SourceFiles,
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
  const sizes = examples.map(({ width, height }) => ({ width, height }));
  return { names, classes, sizes, asked, prompt };
}
