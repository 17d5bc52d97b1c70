/** Runs a CLIP: prepared pictures and token ids to vectors. One session serves all batch sizes. */

import { type ClipConfig, clip } from "../../models/clip/clip.ts";
import { endPlaces } from "../../models/clip/text-encoder.ts";
import { foldedNorm, foldNorms } from "../../models/parts/normed-convolution.ts";
import { type BackendOptions, type Lowered, type LowerOptions, lower, SessionCache } from "../../onnx/index.ts";
import { type StoredWeights, storeWeights } from "../../onnx/stored-weights.ts";
import { input, type Tensor } from "../../tensor/index.ts";

/** The backend and precision of a model. */
export interface ClipSessionOptions extends BackendOptions, Pick<LowerOptions, "precision" | "weightBits"> {}

/** Number of cached traces, the latest ones. */
const KEPT_TRACES = 64;

/** The sessions of a CLIP, with batch norms merged into convolutions. Dispose it when done. */
export class ClipSessions {
  private readonly sessions: SessionCache;
  private readonly traces = new Map<string, Lowered>();
  private readonly model;

  private constructor(
    readonly config: ClipConfig,
    private readonly weights: StoredWeights,
    private readonly options: ClipSessionOptions,
  ) {
    this.model = clip(config, { normed: foldedNorm });
    this.sessions = new SessionCache({ ...options, weightsFolder: weights.weightsFolder });
  }

  /** Takes a checkpoint's weights, with separate batch norms. They are in a temporary file until the sessions are disposed or the process ends. */
  static async open(
    config: ClipConfig,
    weights: ReadonlyMap<string, Float32Array>,
    options: ClipSessionOptions = {},
  ): Promise<ClipSessions> {
    const stored = await storeWeights(foldNorms(weights));
    return new ClipSessions(config, stored, options);
  }

  /** Pictures [n,3,side,side] from `prepareCrop` to vectors [n,embedding], not normalised. */
  async image(pictures: Float32Array, n: number): Promise<Float32Array> {
    const { resolution } = this.config.image;
    const trace = this.trace(`image ${n}`, () => this.model.image(input("pictures", [n, 3, resolution, resolution])));
    return this.run(trace, { pictures });
  }

  /** Token ids [n,length] to vectors [n,embedding], not normalised. */
  async text(ids: BigInt64Array, length: number): Promise<Float32Array> {
    const n = ids.length / length;
    const trace = this.trace(`text ${n} ${length}`, () =>
      this.model.text(input("ids", [n, length], "int64"), input("ends", [n], "int64")),
    );
    return this.run(trace, { ids, ends: endPlaces(ids, length) });
  }

  /** Number of sessions so far: one for pictures and one for texts, for all batch sizes. */
  get count(): number {
    return this.sessions.size;
  }

  async dispose(): Promise<void> {
    await this.sessions.dispose();
    this.weights.dispose();
  }

  /** The same as `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private async run(trace: Lowered, feeds: Record<string, Float32Array | BigInt64Array>): Promise<Float32Array> {
    const { vectors } = await this.sessions.run(trace, feeds);
    return vectors as Float32Array;
  }

  private trace(key: string, build: () => Tensor): Lowered {
    const known = this.traces.get(key);
    if (known) return known;
    const { baked, derive } = this.weights;
    const trace = lower({ vectors: build() }, { ...this.options, baked, derive, sizes: "fed" });
    this.traces.set(key, trace);
    if (this.traces.size > KEPT_TRACES) this.traces.delete(this.traces.keys().next().value!);
    return trace;
  }
}
