/** Finds things in pictures by RegionCLIP: regions, and names or other regions that they are like. */

import { regionCandidates, suppressRegions } from "../../boxes/region-detections.ts";
import { InputError } from "../../errors.ts";
import type { PictureSource } from "../../inputs/pictures/picture-source.ts";
import type { UnitVector } from "../classifying/unit-vectors.ts";
import { DEFAULT_THRESHOLD, DEFAULT_TOP_K } from "../finding/detect-options.ts";
import type { Box, Detection } from "../finding/detection.ts";
import { type ClassVectors, checkNames } from "./class-vectors.ts";
import { bestOfBoxes, type Found, onPicture, softmax, withMasks } from "./found-regions.ts";
import { checkLikeness, type Likeness, likeRegions, mixedVector } from "./likeness.ts";
import { PictureRegions, type SeenPicture } from "./picture-regions.ts";
import {
  checkRegionOptions,
  type RegionDetectOptions,
  type RegionSourceOptions,
  settingsOf,
} from "./region-options.ts";
import type { RegionSessions } from "./region-sessions.ts";

/** A region of a picture. */
export interface Region {
  /** In pixels of the picture. */
  box: Box;
  /** Logit of a region proposal that there is an object. */
  objectness?: number;
  /** As the model computes it, not of unit length. */
  vector: Float32Array;
}

/** Labels with a vector each, in place of names. */
export interface LabelledVectors {
  readonly labels: readonly string[];
  /** [k,width], of any length. */
  readonly vectors: Float32Array;
}

/** Overlap above which only the better of two regions like an example is kept. */
const LIKE_OVERLAP = 0.5;
/** A loaded RegionCLIP; `dispose` it when done, or load it by `await using`. */
export class RegionModel {
  private text: Promise<ClassVectors> | undefined;
  private readonly pictures: PictureRegions;
  private disposed = false;

  /** @internal `loadRegionModel` makes one. */
  constructor(
    private readonly sessions: RegionSessions,
    /** Reads the text encoder. */
    private readonly readText: () => Promise<ClassVectors>,
    private readonly hasDeltas: boolean,
    private readonly disposeText: () => Promise<void>,
  ) {
    this.pictures = new PictureRegions(sessions, hasDeltas);
  }

  /** Length of a region's vector. */
  get width(): number {
    return this.sessions.config.embedding;
  }

  /**
   * Finds things of the given names, best first. The picture's regions are kept, so that another list of names costs little. With `boxes`, each
   * box gets its best name, and none is suppressed. Vectors with labels may be given in place of names. An array of pictures gives an array of results. Throws InputError for invalid names or
   * options, or without region proposals or boxes.
   */
  async detect(
    image: PictureSource,
    classes: readonly string[] | LabelledVectors,
    options?: RegionDetectOptions,
  ): Promise<Detection[]>;
  async detect(
    images: readonly PictureSource[],
    classes: readonly string[] | LabelledVectors,
    options?: RegionDetectOptions,
  ): Promise<Detection[][]>;
  async detect(
    image: PictureSource | readonly PictureSource[],
    classes: readonly string[] | LabelledVectors,
    options: RegionDetectOptions = {},
  ): Promise<Detection[] | Detection[][]> {
    checkNames("labels" in classes ? classes.labels : classes);
    checkRegionOptions(options);
    const named =
      "labels" in classes ? classes : { labels: classes, vectors: await this.classVectors(classes, options.progress) };
    if (!isMany(image)) return this.find(image, named, options);
    const all: Detection[][] = [];
    for (const one of image) all.push(await this.find(one, named, options));
    return all;
  }

  /**
   * Finds things like the examples, best first; scores are cosines, -1 to 1 (default threshold 0.5). For an array of pictures an array of
   * results. Throws InputError as `detect`.
   */
  async detectLike(image: PictureSource, likeness: Likeness, options?: RegionDetectOptions): Promise<Detection[]>;
  async detectLike(
    images: readonly PictureSource[],
    likeness: Likeness,
    options?: RegionDetectOptions,
  ): Promise<Detection[][]>;
  async detectLike(
    image: PictureSource | readonly PictureSource[],
    likeness: Likeness,
    options: RegionDetectOptions = {},
  ): Promise<Detection[] | Detection[][]> {
    checkRegionOptions(options);
    const vector = await this.vectorOf(likeness, options);
    if (!isMany(image)) return this.findLike(image, vector, likeness, options);
    const all: Detection[][] = [];
    for (const one of image) all.push(await this.findLike(one, vector, likeness, options));
    return all;
  }

  /** The unit vector of examples, and of their label where it has a weight. */
  async vectorOf(likeness: Likeness, options: RegionSourceOptions = {}): Promise<UnitVector> {
    checkLikeness(likeness);
    const { examples, label, words = 0 } = likeness;
    const vectors: Float32Array[] = [];
    for (const { image, box } of examples) {
      const [region] = await this.regions(image, { boxes: [box], ...(options.size ? { size: options.size } : {}) });
      vectors.push(region!.vector);
    }
    return mixedVector(vectors, words > 0 ? await this.classVectors([label]) : undefined, words);
  }

  /** The regions of a picture: the given boxes, or region proposals, best first. */
  async regions(image: PictureSource, options: RegionSourceOptions = {}): Promise<Region[]> {
    checkRegionOptions(options);
    const seen = await this.see(image, options);
    const { width } = this;
    return Array.from({ length: seen.boxes.length / 4 }, (_, i) => ({
      box: options.boxes?.[i] ?? onPicture(seen.boxes.subarray(4 * i, 4 * i + 4), seen.size, seen.original),
      ...(seen.objectness ? { objectness: seen.objectness[i]! } : {}),
      vector: seen.vectors.slice(i * width, (i + 1) * width),
    }));
  }

  /**
   * The probability of each name for each region, in the order of the names: a softmax over names and background. Class vectors are computed
   * as for `detect`.
   */
  async scores(
    regions: readonly Pick<Region, "vector">[],
    names: readonly string[],
    progress?: (done: number, total: number) => void,
  ): Promise<Float32Array[]> {
    checkNames(names);
    const classes = await this.classVectors(names, progress);
    const vectors = new Float32Array(regions.length * this.width);
    regions.forEach(({ vector }, i) => {
      vectors.set(vector, i * this.width);
    });
    const logits = await this.sessions.logits(vectors, classes);
    const row = names.length + 1;
    return regions.map((_, i) => softmax(logits.subarray(i * row, (i + 1) * row)).subarray(0, names.length));
  }

  /** Vectors of names [k,width], not of unit length: the mean over 81 templates. Kept on disk. */
  async classVectors(
    names: readonly string[],
    progress?: (done: number, total: number) => void,
  ): Promise<Float32Array> {
    this.text ??= this.readText();
    this.text.catch(() => (this.text = undefined));
    return (await this.text).of(names, progress);
  }

  /** Frees the model's memory. It cannot be used afterwards. */
  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    this.pictures.clear();
    await this.sessions.dispose();
    await this.disposeText();
  }

  /** The same as `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private async find(
    image: PictureSource,
    { labels: names, vectors }: LabelledVectors,
    options: RegionDetectOptions,
  ): Promise<Detection[]> {
    const seen = await this.see(image, options);
    const logits = await this.sessions.logits(seen.vectors, vectors);
    const movesBoxes = this.hasDeltas && !options.zeroShot;
    const settings = settingsOf(this.sessions.config, movesBoxes, options);
    const answers = { boxes: seen.boxes, logits, classes: names.length };
    if (options.boxes) {
      const found = bestOfBoxes(answers).filter(({ score }) => score >= settings.threshold);
      return this.finished(seen, found.slice(0, settings.topK), names, options.boxes);
    }
    const { deltas, objectness } = seen;
    const how = { ...settings, ...seen.size, threshold: below(settings.threshold) };
    const told = { ...answers, ...(deltas && movesBoxes ? { deltas } : {}), ...(objectness ? { objectness } : {}) };
    const final = suppressRegions(regionCandidates(told, how), how);
    const found = Array.from(final.scores, (score, i): Found => {
      return { score, label: final.labels[i]!, region: final.regions[i]!, box: final.boxes.subarray(4 * i, 4 * i + 4) };
    });
    return this.finished(
      seen,
      found.filter(({ score }) => score >= settings.threshold),
      names,
    );
  }

  private async findLike(
    image: PictureSource,
    vector: UnitVector,
    { label }: Likeness,
    options: RegionDetectOptions,
  ): Promise<Detection[]> {
    const { deltas, ...seen } = await this.see(image, options);
    const { threshold = DEFAULT_THRESHOLD, topK = DEFAULT_TOP_K, nms = LIKE_OVERLAP } = options;
    const movesBoxes = deltas && !options.zeroShot && !options.boxes;
    const candidates = { ...seen, ...(movesBoxes ? { deltas } : {}) };
    const found = likeRegions(candidates, vector, { threshold, topK, overlap: options.boxes ? 1 : nms });
    return this.finished(seen, found, [label], options.boxes);
  }

  /** Detections on the original picture, with masks if the model has a mask head. */
  private async finished(
    { maps, size, original }: SeenPicture,
    found: readonly Found[],
    names: readonly string[],
    given?: readonly Box[],
  ): Promise<Detection[]> {
    const boxes = Float32Array.from(found.flatMap(({ box }) => [...box]));
    const masks = found.length > 0 ? await this.sessions.masks(maps, boxes) : undefined;
    const detections = found.map(({ score, label, box, region }) => ({
      score,
      label: names[label]!,
      box: given?.[region] ?? onPicture(box, size, original),
    }));
    const { masks: head, recogniser } = this.sessions.config;
    if (!masks || !head) return detections.filter(({ box }) => box.xmax > box.xmin && box.ymax > box.ymin);
    return withMasks(detections, { masks, side: 2 * recogniser.side, classes: head.classes, found, picture: original });
  }

  private see(image: PictureSource, options: RegionSourceOptions): Promise<SeenPicture> {
    if (this.disposed) throw new InputError("this model was disposed and cannot be used; load it again");
    return this.pictures.of(image, options);
  }
}

/** Candidates have scores above a threshold; ours are at it or above. */
function below(threshold: number): number {
  return threshold === 0 ? -1 : threshold * (1 - 2 ** -20);
}

function isMany<Source>(image: Source | readonly Source[]): image is readonly Source[] {
  return Array.isArray(image);
}
