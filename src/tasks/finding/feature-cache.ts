/** Caches the features of the last pictures and captions, so that a second prompt for a picture runs only the head. */

import type { LevelOutputs } from "../../boxes/select.ts";
import type { SizeRule } from "../../inputs/pictures/preparation.ts";
import type { Picture } from "../../inputs/pictures/resize.ts";
import type { Pass } from "../../inputs/words/prompts.ts";
import { withLearnedVectors } from "./adapted-prompt.ts";
import type { ImageFeatures, Predictor, TextFeatures } from "./predictor.ts";
import { type Preparations, type PreparedPicture, preparePicture } from "./prepared-picture.ts";

/** A picture's features, with the sizes needed to convert boxes to the original picture. */
export interface CachedPicture {
  features: ImageFeatures;
  picture: PreparedPicture;
  /** The companion's outputs, once it has run. */
  known?: Promise<LevelOutputs>;
}

const MOST_PICTURES = 4;
const MOST_CAPTIONS = 64;

export class FeatureCache {
  private readonly captions = new Map<string, Promise<TextFeatures>>();
  private readonly pictures = new Map<string, Promise<CachedPicture>>();
  private readonly preparedPictures = new WeakMap<PreparedPicture, Promise<CachedPicture>>();

  constructor(
    private readonly predictor: Predictor,
    private readonly preparations: (size: SizeRule) => Preparations,
  ) {}

  /** Features of a picture resized to `size`, cached by its bytes; features of a prepared picture, cached as long as it exists. */
  ofPicture(picture: Picture | PreparedPicture, size: SizeRule): Promise<CachedPicture> {
    return "images" in picture ? this.ofPrepared(picture) : this.ofPixels(picture, size);
  }

  /** Features of a caption, with learned vectors if any; a prompt for many pictures is encoded once. */
  ofCaption(pass: Pass): Promise<TextFeatures> {
    return withLearnedVectors(pass, ({ caption, ids }) =>
      cached(this.captions, MOST_CAPTIONS, caption, () => this.predictor.text(ids)),
    );
  }

  clear(): void {
    this.captions.clear();
    this.pictures.clear();
  }

  private async ofPixels(picture: Picture, size: SizeRule): Promise<CachedPicture> {
    const digest = await crypto.subtle.digest("SHA-256", picture.data as Uint8Array<ArrayBuffer>);
    const key = [String(new Uint8Array(digest)), picture.width, size.short, size.max].join(" ");
    return cached(this.pictures, MOST_PICTURES, key, () =>
      this.compute(preparePicture(picture, this.preparations(size))),
    );
  }

  private ofPrepared(picture: PreparedPicture): Promise<CachedPicture> {
    const seen = this.preparedPictures.get(picture) ?? this.compute(picture);
    this.preparedPictures.set(picture, seen);
    return seen;
  }

  private async compute(picture: PreparedPicture): Promise<CachedPicture> {
    return { features: await this.predictor.image(picture.images.model), picture };
  }
}

/** The cached value of a key, or a new one; removes the oldest if there are too many. */
function cached<Value>(
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
