/** Encodes pictures and texts as vectors in one space, and compares them by their cosines. */

import { InputError } from "../../errors.ts";
import { decodePicture } from "../../inputs/pictures/picture.ts";
import type { PictureSource } from "../../inputs/pictures/picture-source.ts";
import { type CropRule, prepareCrop } from "../../inputs/pictures/prepare-crop.ts";
import type { BytePairs, LongText } from "../../inputs/words/byte-pairs.ts";
import { filled, PHOTO_TEMPLATE } from "../../inputs/words/templates.ts";
import type { ClipSessions } from "./clip-sessions.ts";
import { dot, meanOf, toUnit, type UnitVector } from "./unit-vectors.ts";

/** Default batch size. */
export interface EmbedOptions {
  /** Maximum batch size of pictures or texts. Default: 16. */
  batch?: number;
}

/** Options for vectors of texts. */
export interface EmbedTextOptions extends EmbedOptions {
  /** What to do with a text that is longer than the model's maximum. Default: refuse it. */
  long?: LongText;
}

/** Options for vectors of names. */
export interface ClassOptions extends EmbedTextOptions {
  /** Prompt templates with {} for the name. A class vector is the mean over its templates. Default: "a photo of a {}.". */
  templates?: readonly string[];
}

/** The score of a name for a picture. */
export interface ClassScore {
  /** The user's own words. */
  label: string;
  /** Softmax over all names, with the model's learned scale; the scores add up to 1. */
  score: number;
  /** Cosine of picture and class, -1 to 1. */
  similarity: number;
}

const DEFAULT_BATCH = 16;

/** What an encoder knows of its model besides its sessions. */
export interface EncoderFacts {
  /** The factor of cosines before a softmax. */
  readonly scale: number;
  /** Identifies the model: vectors of encoders with the same mark can be compared. */
  readonly mark: string;
}

/** A loaded CLIP; `dispose` it when done, or load it with `await using`. */
export class Encoder {
  private readonly classes = new Map<string, Promise<UnitVector[]>>();

  constructor(
    private readonly sessions: ClipSessions,
    private readonly words: BytePairs,
    private readonly pictures: CropRule,
    private readonly facts: EncoderFacts,
  ) {}

  /** The factor of cosines before a softmax. */
  get scale(): number {
    return this.facts.scale;
  }

  /** Identifies the model: vectors of encoders with the same mark can be compared. */
  get mark(): string {
    return this.facts.mark;
  }

  /** Length of a vector. */
  get width(): number {
    return this.sessions.config.embedding;
  }

  /** A unit vector for each picture. Throws InputError that names the picture if it is not a picture. */
  async embedImage(
    images: readonly PictureSource[],
    { batch = DEFAULT_BATCH }: EmbedOptions = {},
  ): Promise<UnitVector[]> {
    const vectors: UnitVector[] = [];
    for (const some of batches(images, batch)) {
      const prepared: Float32Array[] = [];
      for (const image of some) prepared.push(await this.prepareImage(image));
      vectors.push(...(await this.embedPrepared(prepared)));
    }
    return vectors;
  }

  /** Decodes a picture, then resizes, crops and normalises it: [3,side,side]. Throws InputError that names the picture if it is not a picture. */
  async prepareImage(image: PictureSource): Promise<Float32Array> {
    return prepareCrop(await decodePicture(image), this.pictures);
  }

  /** A unit vector for each picture from `prepareImage`, computed as one batch. */
  async embedPrepared(prepared: readonly Float32Array[]): Promise<UnitVector[]> {
    return (await this.preparedVectors(prepared)).map(toUnit);
  }

  /** The vectors of pictures before normalisation, computed as one batch. */
  async pictureVectors(images: readonly PictureSource[]): Promise<Float32Array[]> {
    const prepared: Float32Array[] = [];
    for (const image of images) prepared.push(await this.prepareImage(image));
    return this.preparedVectors(prepared);
  }

  /** A unit vector for each text. Throws InputError that quotes the text if it is too long and `long` is not set. */
  async embedText(texts: readonly string[], options: EmbedTextOptions = {}): Promise<UnitVector[]> {
    return (await this.textVectors(texts, options)).map(toUnit);
  }

  /** The vectors of texts before normalisation, for means of such vectors. */
  async textVectors(
    texts: readonly string[],
    { batch = DEFAULT_BATCH, long = "refuse" }: EmbedTextOptions = {},
  ): Promise<Float32Array[]> {
    const { context } = this.sessions.config.text;
    const rows = this.words.rows(texts, { length: context, long });
    const row = (i: number) => rows.subarray(i * context, (i + 1) * context);
    // Texts of similar lengths are computed together, padded to the longest.
    const widths = texts.map((_, i) => row(i).findLastIndex((id) => id !== 0n) + 1);
    const order = Array.from(texts.keys()).sort((a, b) => widths[a]! - widths[b]! || a - b);
    const vectors = new Array<Float32Array>(texts.length);
    for (const some of batches(order, batch)) {
      const length = Math.max(...some.map((i) => widths[i]!));
      const ids = new BigInt64Array(length * some.length);
      some.forEach((i, k) => {
        ids.set(row(i).subarray(0, length), k * length);
      });
      const found = await this.sessions.text(ids, length);
      some.forEach((i, k) => {
        vectors[i] = found.slice(k * this.width, (k + 1) * this.width);
      });
    }
    return vectors;
  }

  /**
   * A unit vector for each name: the mean of the unit vectors over its templates, as in OpenAI's zero-shot classifiers. Cached for later
   * pictures. Throws InputError if there are no names, or for a template without {}.
   */
  async classVectors(labels: readonly string[], options: ClassOptions = {}): Promise<UnitVector[]> {
    const { templates = [PHOTO_TEMPLATE], ...how } = options;
    if (labels.length === 0) throw new InputError("there are no names to choose from; give at least one");
    const invalid = templates.find((template) => !template.includes("{}"));
    if (invalid !== undefined || templates.length === 0)
      throw new InputError(
        `the template "${invalid ?? ""}" has no {} for the name; write one, as in "${PHOTO_TEMPLATE}"`,
      );
    const key = JSON.stringify([labels, templates, how.long]);
    const known = this.classes.get(key);
    if (known) return known;
    const made = this.makeClasses(labels, templates, how);
    this.classes.set(key, made);
    made.catch(() => this.classes.delete(key));
    return made;
  }

  /** The names, best first, with their scores for the picture. */
  async classify(image: PictureSource, labels: readonly string[], options: ClassOptions = {}): Promise<ClassScore[]> {
    const classes = await this.classVectors(labels, options);
    const [vector] = await this.embedImage([image]);
    return this.rank(vector!, labels, classes);
  }

  /** The names, best first, by their cosines with a picture's vector; equal scores keep the given order. */
  rank(image: UnitVector, labels: readonly string[], classes: readonly UnitVector[]): ClassScore[] {
    const cosines = classes.map((vector) => dot(image, vector));
    const top = Math.max(...cosines);
    const shares = cosines.map((cosine) => Math.exp(this.scale * (cosine - top)));
    const sum = shares.reduce((total, share) => total + share, 0);
    return labels
      .map((label, i) => ({ label, score: shares[i]! / sum, similarity: cosines[i]! }))
      .sort((a, b) => b.similarity - a.similarity);
  }

  /** The cosine of two unit vectors, -1 to 1. Throws InputError if their lengths differ. */
  similarity(a: UnitVector, b: UnitVector): number {
    if (a.length !== b.length)
      throw new InputError(
        `vectors of ${a.length} and ${b.length} numbers are from different models; embed both with one model`,
      );
    return dot(a, b);
  }

  /** Frees the encoder's memory. It cannot be used afterwards. */
  dispose(): Promise<void> {
    return this.sessions.dispose();
  }

  /** The same as `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private async preparedVectors(prepared: readonly Float32Array[]): Promise<Float32Array[]> {
    if (prepared.length === 0) return [];
    const each = 3 * this.pictures.side ** 2;
    const numbers = new Float32Array(each * prepared.length);
    prepared.forEach((picture, i) => {
      numbers.set(picture, i * each);
    });
    const vectors = await this.sessions.image(numbers, prepared.length);
    return prepared.map((_, i) => vectors.slice(i * this.width, (i + 1) * this.width));
  }

  private async makeClasses(labels: readonly string[], templates: readonly string[], how: EmbedTextOptions) {
    const sentences = labels.flatMap((label) => templates.map((template) => filled(template, label)));
    const vectors = await this.embedText(sentences, how);
    const per = templates.length;
    return labels.map((_, i) => toUnit(meanOf(vectors.slice(i * per, (i + 1) * per))));
  }
}

function batches<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
