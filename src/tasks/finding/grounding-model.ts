/** Finding things in pictures by words. */

import { InputError } from "../../errors.ts";
import type { PictureSource } from "../../inputs/pictures/picture.ts";
import type { PicturePreparation, SizeRule } from "../../inputs/pictures/preparation.ts";
import type { NameList } from "../../inputs/words/name-list.ts";
import type { ClassPrompt, Prompt } from "../../inputs/words/prompts.ts";
import type { Words } from "../../inputs/words/words.ts";
import {
  type Asked,
  type PromptSource,
  promptOfAsked,
  promptOfPhrases,
  remarksOn,
  remarksOnCaption,
  unknownAmong,
} from "./asked-prompt.ts";
import type { Beside } from "./beside.ts";
import { checkOptions, type DetectOptions, type GroundOptions } from "./detect-options.ts";
import type { Detection, PhraseDetection } from "./detection.ts";
import { type Finder, findInPicture } from "./find-in-picture.ts";
import { KeptFeatures } from "./kept-features.ts";
import type { Predictor } from "./predictor.ts";
import type { Preparations, PreparedPicture } from "./prepared-picture.ts";

/** What may lie beside a model's weights and words. */
export interface ModelExtras {
  /** Of its weights (`baseMark`): prompts that were learned for another model are refused. */
  mark?: string;
  /** Answers, too, for the names that it knows. */
  companion?: Beside;
  /** What it was trained on, and how emoji are read. */
  names?: NameList;
}

/** A loaded model; `dispose` it when done, or load it by `await using`. */
export class GroundingModel {
  private classes: Asked | undefined;
  private disposed = false;
  private readonly source: PromptSource;
  private readonly finder: Finder;

  constructor(
    readonly predictor: Predictor,
    words: Words,
    private readonly preparation: PicturePreparation,
    { mark, companion, names }: ModelExtras = {},
  ) {
    const known = names ? { names } : {};
    this.source = { words, model: predictor.model, ...(mark === undefined ? {} : { mark }), ...known };
    const features = new KeptFeatures(predictor, (size) => this.preparations(size));
    this.finder = { predictor, features, ...(companion ? { companion } : {}), ...known };
  }

  /** Sides that pictures are resized to unless told. */
  get size(): SizeRule {
    return this.preparation.size;
  }

  /** What is to be made of pictures that are prepared beforehand, in the model's own size unless told. */
  preparations(size = this.size): Preparations {
    const { companion } = this.finder;
    return { model: { ...this.preparation, size }, ...(companion ? { companion: companion.preparation } : {}) };
  }

  /** Fixes the vocabulary, so that `detect` needs none. */
  setClasses(classes: Asked): void {
    promptOfAsked(this.source, classes);
    this.classes = "vectors" in classes ? classes : [...classes];
  }

  /**
   * Things of the classes named, best first. A text such as "person. bicycle." is read by the model as it stands, as `inspect` shows
   * it; a list is written out as "person. bicycle"; an adapted prompt says its own. For an array of pictures an array of answers.
   */
  async detect(image: PictureSource, classes?: Asked | string, options?: DetectOptions): Promise<Detection[]>;
  async detect(
    image: readonly PictureSource[],
    classes?: Asked | string,
    options?: DetectOptions,
  ): Promise<Detection[][]>;
  async detect(
    image: PictureSource | readonly PictureSource[],
    classes?: Asked | string,
    options: DetectOptions = {},
  ): Promise<Detection[] | Detection[][]> {
    const wanted = classes ?? this.classes;
    if (wanted === undefined) throw new InputError("no classes were given; name them in detect or in setClasses");
    const prompt = promptOfAsked(this.source, wanted);
    if (isMany(image)) {
      const all: Detection[][] = [];
      for (const one of image) all.push((await this.find(one, prompt, options)).map(({ detection }) => detection));
      return all;
    }
    return (await this.find(image, prompt, options)).map(({ detection }) => detection);
  }

  /** Boxes for the phrases of a caption, best first. For an array of pictures an array of answers. */
  async ground(
    image: PictureSource | PreparedPicture,
    caption: string,
    options?: GroundOptions,
  ): Promise<PhraseDetection[]>;
  async ground(
    image: readonly (PictureSource | PreparedPicture)[],
    caption: string,
    options?: GroundOptions,
  ): Promise<PhraseDetection[][]>;
  async ground(
    image: PictureSource | PreparedPicture | readonly (PictureSource | PreparedPicture)[],
    caption: string,
    options: GroundOptions = {},
  ): Promise<PhraseDetection[] | PhraseDetection[][]> {
    const prompt = promptOfPhrases(this.source, caption, options.phrases);
    const answer = async (one: PictureSource | PreparedPicture) =>
      (await this.find(one, prompt, options)).map(({ detection, label }) => ({
        ...detection,
        span: prompt.spans[label]!,
      }));
    if (!isMany(image)) return answer(image);
    const all: PhraseDetection[][] = [];
    for (const one of image) all.push(await answer(one));
    return all;
  }

  /**
   * The names among these that the model does not know, as they were given: words that its vocabulary lacks, or that no training showed
   * where the model folder lists what training showed (`names.json`). Answers for these are guesses. A text is read as in `detect`.
   */
  unknownWords(classes: readonly (string | ClassPrompt)[] | string): string[] {
    return unknownAmong(this.source, classes);
  }

  /** Sentences for a user about names asked for: a list that is read as one name, emoji, words that are not known. */
  remarks(classes: readonly (string | ClassPrompt)[] | string): string[] {
    return remarksOn(this.source, classes);
  }

  /** The same for what `ground` would look for. */
  captionRemarks(caption: string, options: Pick<GroundOptions, "phrases"> = {}): string[] {
    return remarksOnCaption(this.source, caption, options.phrases);
  }

  /** Frees what the model holds; it answers no more. */
  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    this.finder.features.clear();
    await this.predictor.dispose();
    await this.finder.companion?.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private async find(image: PictureSource | PreparedPicture, prompt: Prompt, options: DetectOptions) {
    if (this.disposed) throw new InputError("this model was disposed and answers no more; load it anew");
    checkOptions(options);
    const seen = await this.finder.features.ofPicture(image, options.size ?? this.size);
    return findInPicture(this.finder, { seen, prompt }, options);
  }
}

function isMany<Picture>(image: Picture | readonly Picture[]): image is readonly Picture[] {
  return Array.isArray(image);
}
