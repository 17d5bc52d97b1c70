/** A family of models: a row of the table of families. */

import type { PicturePreparation } from "../../inputs/pictures/preparation.ts";
import type { WordSource } from "../../inputs/words/words.ts";
import type { WeightsFile } from "../../weights/weights-file.ts";
import type { Detector } from "./detector.ts";

/** What a model can be used for, by the command that does it. */
export type Capability =
  | "detect"
  | "ground"
  | "segment"
  | "answer"
  | "describe"
  | "classify"
  | "embed"
  | "regions"
  | "train"
  | "adapt"
  | "export"
  | "inspect";

/** How published checkpoints, which have no configuration, are recognised and read. */
export interface PublishedForm<Config> {
  /** Tensors of the file that the model does not use. */
  readonly mayBeUnused: RegExp;
  /** Whether these are the tensors of this family, complete or not. */
  recognises(entries: NamedShapes): boolean;
  /** The file under the names that the model has, where other names are published, too. */
  underOwnNames?(file: WeightsFile): WeightsFile;
  /** Infers the configuration from the shapes. Throws WeightsError that names `source` for tensors of another family. */
  configOf(entries: NamedShapes, source: string): Config;
}

/** Shapes of tensors by checkpoint name. */
export type NamedShapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/**
 * What every family says of itself. The rows are typed by their own configuration; code that takes one from the table passes what the
 * family's own schema (models/schemas.ts) has read.
 */
export interface Family<Config = unknown> {
  /** Name of the family for users. */
  readonly title: string;
  readonly capabilities: readonly Capability[];
  /** The key of config.json that holds the configuration. Default: the whole file is the configuration, as in published folders. */
  readonly configKey?: string;
  readonly published?: PublishedForm<Config>;
}

/** A family of models that find boxes for words (`Detector`). Recipes train them. */
export interface DetectorFamily<Config = unknown> extends Family<Config> {
  /** Name of the family in recipes. */
  readonly kind: string;
  readonly configKey: string;
  /** Default picture preparation, for values missing in preprocessor_config.json. */
  readonly preparation: PicturePreparation;
  /** Vocabulary of every published model, a path in the package. */
  readonly vocabulary?: string;
  /** The parameter that is initialised with the word vectors of a recipe's `words`. */
  readonly wordTable?: string;
  /** Adds the classes of the data to a recipe's model. Default: no change. */
  completed?(inRecipe: unknown, classes: () => Promise<readonly string[]>): Promise<Config>;
  /** Where the words of a model come from; `file` finds files of its folder by their names. */
  words(config: Config, file: (name: string) => string): WordSource;
  /** An error message for a configuration with too many parameters; checked before the model is built. */
  tooLarge?(config: Config): string | undefined;
  detector(config: Config): Detector;
  /** Whether logits are products of positions with text vectors that do not depend on the picture, as contrast across pictures needs. */
  keepsWordsApart?(config: Config): boolean;
}
