/** What a family of models says about itself: a row of the table of families. */

import type { z } from "zod";
import type { PicturePreparation } from "../../inputs/pictures/preparation.ts";
import type { WordSource } from "../../inputs/words/words.ts";
import type { Detector } from "./detector.ts";

/** What a model can be asked: for boxes of names, or for boxes of the phrases of any text. */
export type Capability = "detect" | "ground";

/** How checkpoints that others published are read: they come without a configuration. */
export interface PublishedForm<Config> {
  /** Vocabulary of every published model, a path in the package. */
  readonly vocabulary: string;
  /** Tensors of the file that the model may leave aside. */
  readonly mayBeUnused: RegExp;
  /** Whether these are the tensors of this family. */
  recognises(entries: NamedShapes): boolean;
  /** The configuration that the shapes tell. Throws WeightsError, which names `source`, for tensors of another family. */
  configOf(entries: NamedShapes, source: string): Config;
}

export type NamedShapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** The rows are typed by their own configuration; who takes one from the table hands over what its own schema has read. */
export interface Family<Config = unknown> {
  /** What people call a model of this family. */
  readonly title: string;
  /** What recipes call it. */
  readonly kind: string;
  /** The key of config.json that holds the configuration. */
  readonly configKey: string;
  readonly schema: z.ZodType<Config>;
  /** The `model` of a recipe: its `kind`, and the configuration without what the data say. */
  readonly recipe: z.ZodObject;
  readonly capabilities: readonly Capability[];
  /** How pictures are taken where preprocessor_config.json does not say. */
  readonly preparation: PicturePreparation;
  readonly published?: PublishedForm<Config>;
  /** The parameter that starts from the word vectors of a recipe's `words`. */
  readonly wordTable?: string;
  /** What a recipe's model is with the classes of its data; as it stands unless told. */
  completed?(inRecipe: unknown, classes: () => Promise<readonly string[]>): Promise<Config>;
  /** Where the words of a model come from; `file` finds files of its folder by their names. */
  words(config: Config, file: (name: string) => string): WordSource;
  /** What is wrong with a configuration of more numbers than can be held; asked before anything is built. */
  tooLarge?(config: Config): string | undefined;
  /** The network that finds things in pictures, for families that can be asked to. */
  detector?(config: Config): Detector;
  /** Whether logits are products of places with words that no picture changes, as contrast across pictures needs. */
  keepsWordsApart?(config: Config): boolean;
}
