/** A family of models: a row of the table of families. */

import type { z } from "zod";
import type { PicturePreparation } from "../../inputs/pictures/preparation.ts";
import type { WordSource } from "../../inputs/words/words.ts";
import type { Detector } from "./detector.ts";

/** What a model can do: find boxes for names, or for the phrases of any text. */
export type Capability = "detect" | "ground";

/** How to read published checkpoints, which have no configuration. */
export interface PublishedForm<Config> {
  /** Vocabulary of every published model, a path in the package. */
  readonly vocabulary: string;
  /** Tensors of the file that the model does not use. */
  readonly mayBeUnused: RegExp;
  /** Whether these are the tensors of this family. */
  recognises(entries: NamedShapes): boolean;
  /** Infers the configuration from the shapes. Throws WeightsError that names `source` for tensors of another family. */
  configOf(entries: NamedShapes, source: string): Config;
}

/** Shapes of tensors by checkpoint name. */
export type NamedShapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** The rows are typed by their own configuration; who takes one from the table hands over what its own schema has read. */
export interface Family<Config = unknown> {
  /** Name of the family for users. */
  readonly title: string;
  /** Name of the family in recipes. */
  readonly kind: string;
  /** The key of config.json that holds the configuration. */
  readonly configKey: string;
  readonly schema: z.ZodType<Config>;
  /** The `model` of a recipe: its `kind`, and the configuration without the values that come from the data. */
  readonly recipe: z.ZodObject;
  readonly capabilities: readonly Capability[];
  /** Default picture preparation, for values missing in preprocessor_config.json. */
  readonly preparation: PicturePreparation;
  readonly published?: PublishedForm<Config>;
  /** The parameter that is initialised with the word vectors of a recipe's `words`. */
  readonly wordTable?: string;
  /** Adds the classes of the data to a recipe's model. Default: no change. */
  completed?(inRecipe: unknown, classes: () => Promise<readonly string[]>): Promise<Config>;
  /** Where the words of a model come from; `file` finds files of its folder by their names. */
  words(config: Config, file: (name: string) => string): WordSource;
  /** An error message for a configuration with too many parameters; checked before the model is built. */
  tooLarge?(config: Config): string | undefined;
  /** The detector, for families that have one. */
  detector?(config: Config): Detector;
  /** Whether logits are products of places with words that no picture changes, as contrast across pictures needs. */
  keepsWordsApart?(config: Config): boolean;
}
