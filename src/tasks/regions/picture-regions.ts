/** The regions of pictures; those of the latest pictures are kept. */

import { createHash } from "node:crypto";
import { proposals } from "../../boxes/proposals.ts";
import { InputError } from "../../errors.ts";
import { decodePicture } from "../../inputs/pictures/picture.ts";
import { isRaw, type PictureSource, rgbOf } from "../../inputs/pictures/picture-source.ts";
import type { Picture, Size } from "../../inputs/pictures/resize.ts";
import type { Box } from "../finding/detection.ts";
import { DEFAULT_REGIONS, REGION_SIZE, type RegionSourceOptions } from "./region-options.ts";
import { type LocaliserKind, prepareRegions } from "./region-pictures.ts";
import type { RegionMaps, RegionSessions, SeenRegions } from "./region-sessions.ts";

/** A picture with its regions. */
export interface SeenPicture extends SeenRegions {
  /** Of the original picture, and of the picture as resized for the model. */
  readonly original: Size;
  readonly size: Size;
  readonly maps: RegionMaps;
  /** xyxy [r,4] in pixels of `size`. */
  readonly boxes: Float32Array;
  readonly objectness?: Float32Array;
}

/** Number of pictures that are kept. */
const KEPT = 4;
/** Number of boxes of a level before suppression: of a pyramid, or of a single level. */
const BEFORE = { pyramid: 1000, single: 6000 } as const;
/** Overlap of proposals: of zero-shot and of fine-tuned models, as published. */
const PROPOSAL_OVERLAP = { zeroShot: 0.9, fineTuned: 0.7 } as const;

/** Computes and keeps regions. */
export class PictureRegions {
  private readonly kept = new Map<string, Promise<SeenPicture>>();

  constructor(
    private readonly sessions: RegionSessions,
    private readonly hasDeltas: boolean,
  ) {}

  clear(): void {
    this.kept.clear();
  }

  /** Throws InputError for a picture that cannot be read, or where there are neither region proposals nor boxes. */
  async of(image: PictureSource, options: RegionSourceOptions): Promise<SeenPicture> {
    const picture = isRaw(image) ? rgbOf(image) : await decodePicture(image);
    const { size = REGION_SIZE, boxes, regions = DEFAULT_REGIONS, zeroShot = !this.hasDeltas } = options;
    const digest = createHash("sha256").update(picture.data).digest("hex");
    const key = JSON.stringify([digest, picture.width, size, boxes ?? regions, zeroShot]);
    const known = this.kept.get(key);
    if (known) return known;
    const made = this.look(picture, { size, regions, zeroShot, ...(boxes ? { boxes } : {}) });
    this.kept.set(key, made);
    made.catch(() => this.kept.delete(key));
    if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value!);
    return made;
  }

  private async look(
    picture: Picture,
    options: Required<Pick<RegionSourceOptions, "size" | "regions" | "zeroShot">> & RegionSourceOptions,
  ) {
    const { config } = this.sessions;
    const kind: LocaliserKind =
      options.boxes || !config.localiser ? "none" : config.localiser.pyramid ? "pyramid" : "single";
    if (!options.boxes && kind === "none")
      throw new InputError(
        "the model has no region proposals; give a file of proposals (rpn_*.pth) with --proposals, or boxes",
      );
    const prepared = prepareRegions(picture, options.size, kind);
    const [size, original] = [sizeOf(prepared), sizeOf(picture)];
    const maps = await this.sessions.maps(prepared.recogniser);
    const places = options.boxes
      ? { boxes: boxesOn(options.boxes, original, size) }
      : proposals(await this.sessions.propose(prepared.localiser!), {
          ...size,
          before: kind === "pyramid" ? BEFORE.pyramid : BEFORE.single,
          overlap: options.zeroShot ? PROPOSAL_OVERLAP.zeroShot : PROPOSAL_OVERLAP.fineTuned,
          after: options.regions,
        });
    const seen = await this.sessions.regions(maps, places.boxes);
    const objectness = "logits" in places ? { objectness: places.logits } : {};
    return { original, size, maps, boxes: places.boxes, ...objectness, ...seen };
  }
}

function sizeOf({ width, height }: Size): Size {
  return { width, height };
}

/** Given boxes in pixels of the resized picture. */
function boxesOn(boxes: readonly Box[], from: Size, to: Size): Float32Array {
  const [x, y] = [to.width / from.width, to.height / from.height];
  return Float32Array.from(boxes.flatMap(({ xmin, ymin, xmax, ymax }) => [xmin * x, ymin * y, xmax * x, ymax * y]));
}
