/** Runs a RegionCLIP: prepared pictures to maps and proposals, boxes to vectors and masks. One session of each for all sizes. */

import { gridAnchors } from "../../boxes/grid-anchors.ts";
import type { ProposalLevel } from "../../boxes/proposals.ts";
import type { PreparedImage } from "../../inputs/pictures/prepare-image.ts";
import { foldedNorm, foldNorms } from "../../models/parts/normed-convolution.ts";
import { ANCHOR_RATIOS, type Proposed, PYRAMID_LEVELS, SINGLE_LEVEL } from "../../models/region-clip/localiser.ts";
import { type RegionClipConfig, regionClip } from "../../models/region-clip/region-clip.ts";
import {
  type BackendOptions,
  isNative,
  type Lowered,
  type LowerOptions,
  lower,
  SessionCache,
} from "../../onnx/index.ts";
import { type StoredWeights, storeWeights } from "../../onnx/stored-weights.ts";
import { Traces } from "../../onnx/traces.ts";
import { input, sigmoid, type Tensor } from "../../tensor/index.ts";

/** The backend and precision of a model. */
export interface RegionSessionOptions extends BackendOptions, Pick<LowerOptions, "precision" | "weightBits"> {}

/** The map of a picture [1,channels,height,width] that regions are cut from. */
export interface RegionMaps {
  readonly numbers: Float32Array;
  readonly shape: readonly [1, number, number, number];
}

/** The outputs for r regions. */
export interface SeenRegions {
  /** [r,embedding], not of unit length. */
  readonly vectors: Float32Array;
  /** Offsets to better boxes [r,4] or [r,4·classes]; absent in models that do not move boxes. */
  readonly deltas?: Float32Array;
}

/** Number of regions computed at once, which limits the memory. */
const BATCH = 100;

/** The sessions of a RegionCLIP, with batch norms merged into convolutions. Dispose it when done. */
export class RegionSessions {
  private readonly sessions: SessionCache;
  private readonly traces = new Traces();
  private readonly model;

  private constructor(
    readonly config: RegionClipConfig,
    private readonly weights: StoredWeights | ReadonlyMap<string, Float32Array>,
    private readonly hasDeltas: boolean,
    private readonly options: RegionSessionOptions,
  ) {
    this.model = regionClip(config, { normed: foldedNorm });
    this.sessions = new SessionCache(
      "baked" in weights ? { ...options, weightsFolder: weights.weightsFolder } : options,
    );
  }

  /** Takes a checkpoint's weights, with separate batch norms. */
  static async open(
    {
      config,
      weights,
      hasDeltas,
    }: { config: RegionClipConfig; weights: ReadonlyMap<string, Float32Array>; hasDeltas: boolean },
    options: RegionSessionOptions = {},
  ): Promise<RegionSessions> {
    const folded = foldNorms(weights);
    const numbers = (await isNative(options.device)) ? await storeWeights(folded) : folded;
    return new RegionSessions(config, numbers, hasDeltas, options);
  }

  async maps({ tensor, paddedHeight: height, paddedWidth: width }: PreparedImage): Promise<RegionMaps> {
    const trace = this.trace(`maps ${height} ${width}`, () => ({
      maps: this.model.image(input("pictures", [1, 3, height, width])),
    }));
    const { maps } = await this.run(trace, { pictures: tensor });
    const [high, wide] = [mapSide(height), mapSide(width)];
    return { numbers: maps!, shape: [1, maps!.length / (high * wide), high, wide] };
  }

  /** The anchors of each level and their outputs. */
  async propose({ tensor, paddedHeight: height, paddedWidth: width }: PreparedImage): Promise<ProposalLevel[]> {
    const { propose } = this.model;
    if (!propose) return [];
    const trace = this.trace(`propose ${height} ${width}`, () =>
      byLevel(propose(input("pictures", [1, 3, height, width]))),
    );
    const found = await this.run(trace, { pictures: tensor });
    return anchorLevels(this.config, { height, width }).map((anchors, i) => ({
      anchors,
      logits: found[`logits.${i}`]!,
      deltas: found[`deltas.${i}`]!,
    }));
  }

  /** Boxes xyxy [r,4] in pixels of the prepared picture. */
  async regions(maps: RegionMaps, boxes: Float32Array): Promise<SeenRegions> {
    const { embedding, boxOutputs } = this.config;
    const count = boxes.length / 4;
    const vectors = new Float32Array(count * embedding);
    const deltas = new Float32Array(this.hasDeltas ? count * boxOutputs : 0);
    for await (const { found, start } of this.batches("regions", maps, boxes)) {
      vectors.set(found["vectors"]!, start * embedding);
      if (this.hasDeltas) deltas.set(found["deltas"]!, start * boxOutputs);
    }
    return { vectors, ...(this.hasDeltas ? { deltas } : {}) };
  }

  /** Probabilities [r,classes,side,side] that a pixel belongs to the thing in the box; undefined without a mask head. */
  async masks(maps: RegionMaps, boxes: Float32Array): Promise<Float32Array | undefined> {
    const { masks, recogniser } = this.config;
    if (!masks) return undefined;
    const each = masks.classes * (2 * recogniser.side) ** 2;
    const all = new Float32Array((boxes.length / 4) * each);
    for await (const { found, start } of this.batches("masks", maps, boxes)) all.set(found["masks"]!, start * each);
    return all;
  }

  /** Logits [r,k+1] of regions for k class vectors of any length; the last column is the background's. */
  async logits(vectors: Float32Array, classes: Float32Array): Promise<Float32Array> {
    const { embedding } = this.config;
    const [regions, names] = [vectors.length / embedding, classes.length / embedding];
    if (regions === 0) return new Float32Array(0);
    const trace = this.trace(`logits ${regions} ${names}`, () => ({
      logits: this.model.logits(input("vectors", [regions, embedding]), input("classes", [names, embedding])),
    }));
    return (await this.run(trace, { vectors, classes }))["logits"]!;
  }

  async dispose(): Promise<void> {
    await this.sessions.dispose();
    if ("baked" in this.weights) this.weights.dispose();
  }

  /** The same as `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private async *batches(what: "regions" | "masks", maps: RegionMaps, boxes: Float32Array) {
    const count = boxes.length / 4;
    for (let start = 0; start < count; start += BATCH) {
      const n = Math.min(BATCH, count - start);
      const trace = this.trace(`${what} ${maps.shape} ${n}`, () => this.regionOutputs(what, maps, n));
      const some = boxes.subarray(4 * start, 4 * (start + n));
      const feeds = { maps: maps.numbers, boxes: some, pictures: new BigInt64Array(n) };
      yield { found: await this.run(trace, feeds), start };
    }
  }

  private regionOutputs(what: "regions" | "masks", maps: RegionMaps, n: number): Record<string, Tensor> {
    const { model } = this;
    const seen = model.regions(input("maps", maps.shape), input("boxes", [n, 4]), input("pictures", [n], "int64"));
    if (what === "masks") return { masks: sigmoid(model.masks!(seen.maps)) };
    return { vectors: seen.vectors, ...(this.hasDeltas ? { deltas: model.offsets(seen.vectors) } : {}) };
  }

  private async run(trace: Lowered, feeds: Record<string, Float32Array | BigInt64Array>) {
    return (await this.sessions.run(trace, feeds)) as Record<string, Float32Array>;
  }

  private trace(key: string, build: () => Record<string, Tensor>): Lowered {
    const { weights, options } = this;
    const source =
      "baked" in weights
        ? { baked: weights.baked, derive: weights.derive }
        : { baked: (name: string) => weights.get(name) };
    return this.traces.of(key, () => lower(build(), { ...options, ...source, sizes: "fed" }));
  }
}

/** A side of the third stage's map: a stride of two, then three averages of two, which drop an odd last row. */
function mapSide(pixels: number): number {
  return Math.floor(Math.floor(Math.floor((Math.floor((pixels - 1) / 2) + 1) / 2) / 2) / 2);
}

function byLevel(levels: readonly Proposed[]): Record<string, Tensor> {
  return Object.fromEntries(
    levels.flatMap(({ logits, deltas }, i) => [
      [`logits.${i}`, logits],
      [`deltas.${i}`, deltas],
    ]),
  );
}

/** The anchors of each level for a padded picture. */
function anchorLevels({ localiser }: RegionClipConfig, { height, width }: { height: number; width: number }) {
  const levels = localiser?.pyramid ? PYRAMID_LEVELS : SINGLE_LEVEL;
  return levels.map(({ stride, sizes }) => {
    const side = (pixels: number) => Math.ceil(pixels / stride);
    return gridAnchors({ height: side(height), width: side(width), stride }, { sizes, ratios: ANCHOR_RATIOS });
  });
}
