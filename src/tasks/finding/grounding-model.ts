/** Finds things in pictures by words. */

import { InputError } from "../../errors.ts";
import { type Decode, isRaw, type PictureSource, rgbOf } from "../../inputs/pictures/picture-source.ts";
import type { PicturePreparation, SizeRule } from "../../inputs/pictures/preparation.ts";
import type { Picture } from "../../inputs/pictures/resize.ts";
import type { NameList } from "../../inputs/words/name-list.ts";
import { nounPhrases } from "../../inputs/words/noun-phrases.ts";
import type { ClassPrompt, Prompt } from "../../inputs/words/prompts.ts";
import type { Words } from "../../inputs/words/words.ts";
import type { Base } from "./base.ts";
import { checkOptions, DEFAULT_THRESHOLD, type DetectOptions, type GroundOptions } from "./detect-options.ts";
import type { Detection, PhraseDetection } from "./detection.ts";
import { type CachedPicture, FeatureCache } from "./feature-cache.ts";
import { type Detectors, findInPicture } from "./find-in-picture.ts";
import { withHead } from "./heads.ts";
import type { Predictor } from "./predictor.ts";
import type { Preparations, PreparedPicture } from "./prepared-picture.ts";
import {
  type PromptSource,
  promptOfPhrases,
  promptOfRequest,
  type RequestedClasses,
  remarksOn,
  remarksOnCaption,
  unknownAmong,
} from "./requested-prompt.ts";
import { type ScoreMap, scoreMaps } from "./score-maps.ts";
import type { SecondDetector } from "./second-detector.ts";
import type { FrameOfVideo, TrackedFrame, TrackOptions } from "./track-frames.ts";
import type { Answer, DescribeOptions, Description, Ground, SegmentedDetection } from "./understanding.ts";

/** Optional parts of a model besides its weights and words. */
export interface ModelExtras<Source = PictureSource> {
  /** Decodes pictures: one decoder in Node, another in a page. Without one the model takes only pixels and prepared pictures. */
  decode?: Decode<Source>;
  /** Loads the lexicon of English words before noun phrases are searched, where it is not at hand. */
  readLexicon?(): Promise<void>;
  /** Its name, for adapted prompts of it. */
  name?: string;
  /** Digest of its weights (`baseDigest`); adapted prompts of another model are refused. */
  digest?: string;
  /** A second detector for the names it knows. */
  companion?: SecondDetector;
  /** Reads the frames of a video file, in Node. Without it `track` takes only frames. */
  readFrames?(path: string, options: { rate?: number }): AsyncIterable<FrameOfVideo>;
  /** The names it was trained on, and the names of emoji. */
  names?: NameList;
}

/** Few programs track or use the heads of a GLIPv2, so these modules are loaded at first use. */
const tracking = () => import("./track-frames.ts");
const heads = () => import("./understanding.ts");

/** A loaded model; `dispose` it when done, or load it by `await using`. `Source`: the kinds of pictures it takes. */
export class GroundingModel<Source = PictureSource> {
  private classes: RequestedClasses | undefined;
  private disposed = false;
  /** @internal */
  readonly source: PromptSource;
  /** @internal Name and digest of the model, for adapted prompts. */
  readonly base: Base;
  /** @internal */
  readonly finder: Detectors;
  private readonly given: Pick<ModelExtras<Source>, "decode" | "readLexicon" | "readFrames">;

  /** @internal `loadModel` makes one. */
  constructor(
    /** @internal */
    readonly predictor: Predictor,
    words: Words,
    private readonly preparation: PicturePreparation,
    { name = "", digest, companion, names, ...given }: ModelExtras<Source> = {},
  ) {
    this.given = given;
    this.base = { name, digest: digest ?? "" };
    const known = names ? { names } : {};
    this.source = { words, model: predictor.model, ...(digest === undefined ? {} : { digest }), ...known };
    const features = new FeatureCache(predictor, (size) => this.preparations(size));
    this.finder = { predictor, features, ...(companion ? { companion } : {}), ...known };
  }

  /** Default sides of resized pictures. */
  get size(): SizeRule {
    return this.preparation.size;
  }

  /** The preparations for pictures that are prepared in advance (default: the model's own size). */
  preparations(size = this.size): Preparations {
    const { companion } = this.finder;
    return { model: { ...this.preparation, size }, ...(companion ? { companion: companion.preparation } : {}) };
  }

  /** Sets the classes for later calls of `detect` without classes. */
  setClasses(classes: RequestedClasses): void {
    promptOfRequest(this.source, classes);
    this.classes = "vectors" in classes ? classes : [...classes];
  }

  /**
   * Finds things of the given classes, best first. A text such as "person. bicycle." is used as the prompt without changes; a list becomes
   * the prompt "person. bicycle"; an adapted prompt has its own classes. An array of pictures gives an array of results.
   */
  async detect(image: Source, classes?: RequestedClasses | string, options?: DetectOptions): Promise<Detection[]>;
  async detect(
    image: readonly Source[],
    classes?: RequestedClasses | string,
    options?: DetectOptions,
  ): Promise<Detection[][]>;
  async detect(
    image: Source | readonly Source[],
    classes?: RequestedClasses | string,
    options: DetectOptions = {},
  ): Promise<Detection[] | Detection[][]> {
    const wanted = classes ?? this.classes;
    if (wanted === undefined) throw new InputError("no classes are given; give them to detect or to setClasses");
    const prompt = promptOfRequest(this.source, wanted);
    if (isMany(image)) {
      const all: Detection[][] = [];
      for (const one of image) all.push((await this.find(one, prompt, options)).map(({ detection }) => detection));
      return all;
    }
    return (await this.find(image, prompt, options)).map(({ detection }) => detection);
  }

  /**
   * Follows things of the given classes through a video: a file (in Node), or frames, such as those of a camera. Gives each frame when it
   * is done, with boxes whose `id` stays the same for one thing. `threshold` is the score from which a detection is certain.
   */
  async *track(
    video: string | AsyncIterable<FrameOfVideo>,
    classes?: RequestedClasses | string,
    { rate, tracker, ...options }: TrackOptions = {},
  ): AsyncGenerator<TrackedFrame> {
    const { readFrames } = this.given;
    if (typeof video === "string" && !readFrames)
      throw new InputError(
        "this model has no reader of video files; give frames, or load the model with loadModel in Node",
      );
    const frames = typeof video === "string" ? readFrames!(video, rate === undefined ? {} : { rate }) : video;
    const wanted = classes ?? this.classes;
    if (wanted === undefined) throw new InputError("no classes are given; give them to track or to setClasses");
    const prompt = promptOfRequest(this.source, wanted);
    const threshold = options.threshold ?? DEFAULT_THRESHOLD;
    const { leastScore, trackFrames } = await tracking();
    const find = async ({ data, width, height }: FrameOfVideo) => {
      const { features } = this.finder;
      checkOptions(options);
      if (this.disposed) throw new InputError("this model was disposed and cannot be used; load it again");
      const seen = await features.ofPicture(rgbOf({ data, width, height, channels: 3 }), options.size ?? this.size);
      const found = await findInPicture(
        this.finder,
        { seen, prompt },
        { ...options, threshold: leastScore(threshold) },
      );
      return found.map(({ detection }) => detection);
    };
    yield* trackFrames(frames, find, { threshold, ...(tracker ? { tracker } : {}) });
  }

  /** Boxes for the phrases of a caption, best first. For an array of pictures an array of answers. */
  async ground(image: Source | PreparedPicture, caption: string, options?: GroundOptions): Promise<PhraseDetection[]>;
  async ground(
    image: readonly (Source | PreparedPicture)[],
    caption: string,
    options?: GroundOptions,
  ): Promise<PhraseDetection[][]>;
  async ground(
    image: Source | PreparedPicture | readonly (Source | PreparedPicture)[],
    caption: string,
    options: GroundOptions = {},
  ): Promise<PhraseDetection[] | PhraseDetection[][]> {
    if (!options.phrases) await this.given.readLexicon?.();
    const prompt = promptOfPhrases(this.source, caption, options.phrases);
    const answer = async (one: Source | PreparedPicture) =>
      (await this.find(one, prompt, options)).map(({ detection, label }) => ({
        ...detection,
        span: prompt.spans[label]!,
      }));
    if (!isMany(image)) return answer(image);
    const all: PhraseDetection[][] = [];
    for (const one of image) all.push(await answer(one));
    return all;
  }

  /** For each class a map of its alignment scores over the picture; the second detector of the built-in model has none. */
  async scoreMaps(
    image: Source,
    classes: RequestedClasses | string,
    options: Pick<DetectOptions, "size"> = {},
  ): Promise<ScoreMap[]> {
    const prompt = promptOfRequest(this.source, classes);
    return scoreMaps(this.finder, { seen: await this.look(image, options), prompt });
  }

  /**
   * Finds things as `detect` does, with a mask for each. Throws InputError for a model without a mask head (GLIPv2, section 3.1).
   */
  async segment(
    image: Source,
    classes?: RequestedClasses | string,
    options: DetectOptions = {},
  ): Promise<SegmentedDetection[]> {
    const { addMasks } = await heads();
    withHead(this.predictor.model, "masks");
    const wanted = classes ?? this.classes;
    if (wanted === undefined) throw new InputError("no classes are given; give them to segment or to setClasses");
    const prompt = promptOfRequest(this.source, wanted);
    const seen = await this.look(image, options);
    return addMasks(this.finder, { seen, prompt }, await findInPicture(this.finder, { seen, prompt }, options));
  }

  /**
   * Answers a question about a picture, and with `ground` finds its phrases ("masks": with masks). Further questions about the picture only
   * run the head. Throws InputError for a question without words and for a model without an answer head.
   */
  async answer(
    image: Source,
    question: string,
    { ground = false, ...options }: DetectOptions & { ground?: Ground } = {},
  ): Promise<Answer> {
    const { answerTo, checkQuestion } = await heads();
    withHead(this.predictor.model, "answering");
    if (ground === "masks") withHead(this.predictor.model, "masks");
    checkQuestion(question);
    const seen = await this.look(image, options);
    const found = await answerTo(this.finder, this.source.words.pieces!, seen, question);
    return ground ? { ...found, phrases: await this.phrasesIn(seen, question, { ...options, ground }) } : found;
  }

  /**
   * Describes a picture in a sentence, and with `ground` finds its phrases ("masks": with masks). Throws InputError for a model without a
   * caption head.
   */
  async describe(
    image: Source,
    { ground = false, beams, most, ...options }: DescribeOptions & DetectOptions & { ground?: Ground } = {},
  ): Promise<Description> {
    const { captionOf } = await heads();
    withHead(this.predictor.model, "captions");
    if (ground === "masks") withHead(this.predictor.model, "masks");
    const how = { ...(beams === undefined ? {} : { beams }), ...(most === undefined ? {} : { most }) };
    const seen = await this.look(image, options);
    const found = await captionOf(this.finder, this.source.words.pieces!, seen, how);
    return ground ? { ...found, phrases: await this.phrasesIn(seen, found.caption, { ...options, ground }) } : found;
  }

  /**
   * The given names that the model does not know: words that are not in its vocabulary, or not in the list of trained names, if the
   * model folder has one (`names.json`). Detections of these are guesses. A text is read as in `detect`.
   */
  unknownWords(classes: readonly (string | ClassPrompt)[] | string): string[] {
    return unknownAmong(this.source, classes);
  }

  /** Remarks for a user about requested names: a list that is read as one name, emoji, unknown words. */
  remarks(classes: readonly (string | ClassPrompt)[] | string): string[] {
    return remarksOn(this.source, classes);
  }

  /** The same for the phrases that `ground` would find. */
  captionRemarks(caption: string, options: Pick<GroundOptions, "phrases"> = {}): string[] {
    return remarksOnCaption(this.source, caption, options.phrases);
  }

  /** Frees the model's memory. It cannot be used afterwards. */
  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    this.finder.features.clear();
    await this.predictor.dispose();
    await this.finder.companion?.dispose();
  }

  /** The same as `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** The noun phrases of a text in a picture that was seen, best first; none if the text has no noun phrase. */
  private async phrasesIn(
    seen: CachedPicture,
    text: string,
    { ground, ...options }: DetectOptions & { ground: Ground },
  ): Promise<PhraseDetection[]> {
    await this.given.readLexicon?.();
    if (nounPhrases(text).length === 0) return [];
    const prompt = promptOfPhrases(this.source, text, undefined);
    const found = await findInPicture(this.finder, { seen, prompt }, options);
    const { addMasks } = await heads();
    const all = ground === "masks" ? await addMasks(this.finder, { seen, prompt }, found) : found.map(detectionOf);
    return all.map((detection, i) => ({ ...detection, span: prompt.spans[found[i]!.label]! }));
  }

  private async find(image: Source | PreparedPicture, prompt: Prompt, options: DetectOptions) {
    return findInPicture(this.finder, { seen: await this.look(image, options), prompt }, options);
  }

  /** @internal The features of a picture, once the options are checked. */
  async look(image: Source | PreparedPicture, options: DetectOptions): Promise<CachedPicture> {
    if (this.disposed) throw new InputError("this model was disposed and cannot be used; load it again");
    checkOptions(options);
    const picture = isPrepared(image) ? image : await this.decoded(image);
    return this.finder.features.ofPicture(picture, options.size ?? this.size);
  }

  private async decoded(image: Source): Promise<Picture> {
    const { decode } = this.given;
    if (decode) return decode(image);
    if (isRaw(image)) return rgbOf(image);
    throw new InputError("this model has no decoder for pictures; give pixels, or load the model with loadModel");
  }
}

function detectionOf({ detection }: { detection: Detection }): Detection {
  return detection;
}

function isMany<Picture>(image: Picture | readonly Picture[]): image is readonly Picture[] {
  return Array.isArray(image);
}

function isPrepared(image: unknown): image is PreparedPicture {
  return typeof image === "object" && image !== null && "images" in image;
}
