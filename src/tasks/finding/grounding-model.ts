/** Finding things in pictures by words. */

import {
  bestFirst,
  type Detections,
  finalDetections,
  joined,
  type LevelOutputs,
  rescaleDetections,
  selectDetections,
} from "../../boxes/select.ts";
import { InputError } from "../../errors.ts";
import { decodePicture, type PictureSource } from "../../inputs/pictures/picture.ts";
import type { PicturePreparation, SizeRule } from "../../inputs/pictures/preparation.ts";
import type { NameList } from "../../inputs/words/name-list.ts";
import { captionRemarks, nameRemarks, unknownNames } from "../../inputs/words/name-remarks.ts";
import { phrasesOf } from "../../inputs/words/noun-phrases.ts";
import {
  type ClassPrompt,
  labelsOf,
  namesInPrompt,
  type Pass,
  type Prompt,
  promptOfCaption,
} from "../../inputs/words/prompts.ts";
import type { Span } from "../../inputs/words/word-pieces.ts";
import type { Words } from "../../inputs/words/words.ts";
import { type AdaptedPrompt, promptOfAdapted, spoken } from "./adapted-prompt.ts";
import type { Beside } from "./beside.ts";
import {
  checkOptions,
  DEFAULT_THRESHOLD,
  DEFAULT_TOP_K,
  type DetectOptions,
  type GroundOptions,
} from "./detect-options.ts";
import type { ImageFeatures, Predictor, TextFeatures } from "./predictor.ts";
import { type Preparations, type PreparedPicture, preparePicture } from "./prepared-picture.ts";

/** In pixels of the picture as it was given. */
export interface Box {
  xmin: number;
  ymin: number;
  xmax: number;
  ymax: number;
}

export interface Detection {
  /** 0 to 1. */
  score: number;
  /** The user's own words. */
  label: string;
  box: Box;
}

export interface PhraseDetection extends Detection {
  /** Characters of the caption, [start, end). */
  span: Span;
}

/** A picture's features with what is needed to bring boxes back to the picture. */
interface Seen {
  features: ImageFeatures;
  picture: PreparedPicture;
  /** What the companion sees, once it was asked. */
  known?: Promise<LevelOutputs>;
}

/** Names, some perhaps in words around them, or a prompt that was learned. */
export type Asked = readonly (string | ClassPrompt)[] | AdaptedPrompt;

/** What may lie beside a model's weights and words. */
export interface ModelExtras {
  /** Of its weights (`baseMark`): prompts that were learned for another model are refused. */
  mark?: string;
  /** Answers, too, for the names that it knows. */
  companion?: Beside;
  /** What it was trained on, and how emoji are read. */
  names?: NameList;
}

const KEPT_PICTURES = 4;
const KEPT_CAPTIONS = 64;
const READS_NO_WORDS = "this model finds the classes it was trained on and reads no captions; take a GLIP for them";

/** A loaded model; `dispose` it when done. */
export class GroundingModel {
  private classes: Asked | undefined;
  private disposed = false;
  private readonly captions = new Map<string, Promise<TextFeatures>>();
  private readonly pictures = new Map<string, Promise<Seen>>();
  private readonly preparedPictures = new WeakMap<PreparedPicture, Promise<Seen>>();

  constructor(
    readonly predictor: Predictor,
    private readonly words: Words,
    private readonly preparation: PicturePreparation,
    private readonly beside: ModelExtras = {},
  ) {}

  /** Sides that pictures are resized to unless told. */
  get size(): SizeRule {
    return this.preparation.size;
  }

  /** What is to be made of pictures that are prepared beforehand, in the model's own size unless told. */
  preparations(size = this.size): Preparations {
    const { companion } = this.beside;
    return { model: { ...this.preparation, size }, ...(companion ? { companion: companion.preparation } : {}) };
  }

  /** Fixes the vocabulary, so that `detect` needs none. */
  setClasses(classes: Asked): void {
    this.prompt(classes);
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
    const prompt = this.prompt(wanted);
    if (isMany(image)) {
      const all: Detection[][] = [];
      for (const one of image) all.push((await this.find(one, prompt, options)).map(({ detection }) => detection));
      return all;
    }
    return (await this.find(image, prompt, options)).map(({ detection }) => detection);
  }

  /** Boxes for the phrases of a caption, best first. */
  async ground(
    image: PictureSource | PreparedPicture,
    caption: string,
    options: GroundOptions = {},
  ): Promise<PhraseDetection[]> {
    const { pieces } = this.words;
    if (!pieces) throw new InputError(READS_NO_WORDS);
    const phrases = phrasesOf(caption, options.phrases);
    const prompt = promptOfCaption(pieces, caption, phrases, { maxTokens: this.maxTokens });
    const found = await this.find(image, prompt, options);
    return found.map(({ detection, label }) => ({ ...detection, span: prompt.spans[label]! }));
  }

  /**
   * The names among these that the model does not know, as they were given: words that its vocabulary lacks, or that no training showed
   * where the model folder lists what training showed (`names.json`). Answers for these are guesses. A text is read as in `detect`.
   */
  unknownWords(classes: readonly (string | ClassPrompt)[] | string): string[] {
    const { pieces } = this.words;
    if (!pieces) return [];
    return unknownNames(pieces, namesOf(classes), this.beside.names);
  }

  /** Sentences for a user about names asked for: a list that is read as one name, emoji, words that are not known. */
  remarks(classes: readonly (string | ClassPrompt)[] | string): string[] {
    const { pieces } = this.words;
    if (!pieces) return [];
    return nameRemarks(pieces, namesOf(classes), this.beside.names);
  }

  /** The same for what `ground` would look for. */
  captionRemarks(caption: string, options: Pick<GroundOptions, "phrases"> = {}): string[] {
    const { pieces } = this.words;
    if (!pieces) return [];
    const spans = phrasesOf(caption, options.phrases);
    const phrases = spans.map((one) => (typeof one === "string" ? one : caption.slice(...one)));
    return captionRemarks(pieces, { caption, phrases }, this.beside.names);
  }

  /** Frees what the model holds; it answers no more. */
  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    this.captions.clear();
    this.pictures.clear();
    await this.predictor.dispose();
    await this.beside.companion?.dispose();
  }

  private get maxTokens(): number {
    return this.predictor.model.maxTokens;
  }

  private prompt(classes: Asked | string): Prompt {
    if (typeof classes !== "string" && "vectors" in classes) {
      const { pieces } = this.words;
      if (!pieces) throw new InputError(READS_NO_WORDS);
      return promptOfAdapted({ pieces, model: this.predictor.model, mark: this.beside.mark ?? "" }, classes);
    }
    if (typeof classes !== "string" && classes.length === 0)
      throw new InputError("the list of classes is empty; name at least one thing to find");
    const { names } = this.beside;
    const limits = { maxTokens: this.maxTokens };
    if (!names) return this.words.promptOf(classes, limits);
    if (typeof classes !== "string") return this.words.promptOf(names.allSpelledOut(classes), limits);
    const listed = namesInPrompt(classes);
    const spelled = names.allSpelledOut(listed);
    // A text without emoji is read as it stands.
    return this.words.promptOf(spelled.every((name, k) => name === listed[k]) ? classes : spelled, limits);
  }

  private async find(image: PictureSource | PreparedPicture, prompt: Prompt, options: DetectOptions) {
    if (this.disposed) throw new InputError("this model was disposed and answers no more; load it anew");
    checkOptions(options);
    const seen = await (isPrepared(image) ? this.lookAtPrepared(image) : this.look(image, options.size ?? this.size));
    const found: Detections[] = [];
    for (const pass of prompt.passes) found.push(await this.findPass(seen, pass, options));
    const known = await this.findKnown(seen, prompt, options);
    const all = joined(known ? [...found, known] : found);
    const { width, height } = seen.picture.images.model;
    const ratios = { x: seen.picture.width / width, y: seen.picture.height / height };
    // Those of one detector are suppressed already.
    const apart = known ? finalDetections(all, { ...selection(options), limit: Infinity }) : all;
    const { boxes, scores, labels } = bestFirst(rescaleDetections(apart, ratios));
    const { threshold = DEFAULT_THRESHOLD, topK = DEFAULT_TOP_K } = options;
    return Array.from(scores, (score, i) => {
      const label = labels[i]!;
      const side = (corner: number) => boxes[4 * i + corner]!;
      const box = { xmin: side(0), ymin: side(1), xmax: side(2), ymax: side(3) };
      return { detection: { score, label: prompt.labels[label]!, box }, label };
    })
      .filter(({ detection }) => detection.score >= threshold)
      .slice(0, topK);
  }

  /** Detections of one pass, in pixels of the prepared picture, by the prompt's labels. */
  private async findPass(seen: Seen, pass: Pass, options: DetectOptions): Promise<Detections> {
    const levels = await this.predictor.answer(seen.features, await this.read(pass));
    const { width, height } = seen.picture.images.model;
    const found = selectDetections(levels, { labelTokens: pass.labelTokens, width, height, ...selection(options) });
    return { ...found, labels: found.labels.map((label) => pass.classes[label]!) };
  }

  /** What the companion finds, if it knows one of the names; what was learned for names is not its own to answer. */
  private async findKnown(seen: Seen, { labels, passes }: Prompt, options: DetectOptions) {
    const { companion, names } = this.beside;
    const { companion: image, model: own } = seen.picture.images;
    if (!companion || !image || passes.some(({ learned }) => learned)) return undefined;
    const spelled = labels.map((label) => names?.spelledOut(label) ?? label);
    if (spelled.every((label) => companion.classOf(label) === undefined)) return undefined;
    const { width, height } = own;
    seen.known ??= companion.look(image, { width, height });
    return companion.select(await seen.known, spelled, { width, height, ...selection(options) });
  }

  /** Features of a caption, kept: the same prompt on many pictures is read once. */
  private read(pass: Pass): Promise<TextFeatures> {
    return spoken(pass, ({ caption, ids }) =>
      keep(this.captions, KEPT_CAPTIONS, caption, () => this.predictor.text(ids)),
    );
  }

  /** Features of a picture; kept by its bytes, so that a second prompt pays for the head alone. */
  private async look(image: PictureSource, size: SizeRule): Promise<Seen> {
    const picture = await decodePicture(image);
    const digest = await crypto.subtle.digest("SHA-256", picture.data as Uint8Array<ArrayBuffer>);
    const key = [Buffer.from(digest).toString("base64"), picture.width, size.short, size.max].join(" ");
    return keep(this.pictures, KEPT_PICTURES, key, () =>
      this.features(preparePicture(picture, this.preparations(size))),
    );
  }

  /** Features of a prepared picture; kept as long as the picture is. */
  private lookAtPrepared(picture: PreparedPicture): Promise<Seen> {
    const seen = this.preparedPictures.get(picture) ?? this.features(picture);
    this.preparedPictures.set(picture, seen);
    return seen;
  }

  private async features(picture: PreparedPicture): Promise<Seen> {
    return { features: await this.predictor.image(picture.images.model), picture };
  }
}

/** What a caller's wishes mean for the selection of boxes. */
function selection({ textThreshold, nms, topK }: DetectOptions) {
  return {
    ...(textThreshold === undefined ? {} : { threshold: textThreshold }),
    ...(nms === undefined ? {} : { suppression: nms }),
    ...(topK === undefined ? {} : { limit: topK }),
  };
}

function namesOf(classes: readonly (string | ClassPrompt)[] | string): string[] {
  return typeof classes === "string" ? namesInPrompt(classes) : labelsOf(classes);
}

function isMany(image: PictureSource | readonly PictureSource[]): image is readonly PictureSource[] {
  return Array.isArray(image);
}

function isPrepared(image: PictureSource | PreparedPicture): image is PreparedPicture {
  return typeof image === "object" && "images" in image;
}

/** The value under a key, made when absent; the oldest goes when there are too many. */
function keep<Value>(
  kept: Map<string, Promise<Value>>,
  most: number,
  key: string,
  make: () => Promise<Value>,
): Promise<Value> {
  const known = kept.get(key);
  if (known) return known;
  const made = make();
  kept.set(key, made);
  made.catch(() => kept.delete(key));
  if (kept.size > most) kept.delete(kept.keys().next().value!);
  return made;
}
