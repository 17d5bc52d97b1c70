/** Runs a detector in three parts: picture features, text features, and candidate boxes from both. */

import { anchorsOf, levelsOf } from "../../boxes/anchors.ts";
import type { LevelOutputs } from "../../boxes/select.ts";
import type { PreparedImage } from "../../inputs/pictures/prepare-image.ts";
import type { Detector } from "../../models/parts/detector.ts";
import {
  type BackendOptions,
  type Feeds,
  type Lowered,
  type LowerOptions,
  lower,
  type MakeRunner,
  SessionCache,
  type TraceRunner,
} from "../../onnx/index.ts";
import type { StoredWeights } from "../../onnx/stored-weights.ts";
import { Traces } from "../../onnx/traces.ts";
import { input, type Numbers, type Tensor } from "../../tensor/index.ts";

/** Feature maps of a picture at the five strides, and its padded size. */
export interface ImageFeatures {
  maps: readonly Float32Array[];
  height: number;
  width: number;
}

/** Vectors [tokens, d] of a caption. */
export interface TextFeatures {
  vectors: Float32Array;
  tokens: number;
}

const MAPS = ["p3", "p4", "p5", "p6", "p7"] as const;

/** The backend and precision of a model. */
export interface PredictorOptions extends BackendOptions, Pick<LowerOptions, "precision" | "weightBits"> {
  /**
   * Makes the runner of the model, and another for its companion (default: sessions in this thread, which block it). For a service use
   * `(options) => new SessionPool({ ...options, workers: 1 })`. The model disposes its runners.
   */
  runner?: MakeRunner;
}

/** Sessions of the three parts of a model, with weights baked in; dispose it when done. */
export class Predictor {
  private readonly sessions: TraceRunner;
  private readonly traces = new Traces();
  private readonly options: Omit<PredictorOptions, "runner">;

  constructor(
    readonly model: Detector,
    /** By name; stored ones are disposed with the predictor. */
    private readonly weights: ReadonlyMap<string, Float32Array> | StoredWeights,
    { runner = (backend) => new SessionCache(backend), ...options }: PredictorOptions = {},
  ) {
    this.options = options;
    const files =
      "baked" in weights ? { weightsFolder: weights.weightsFolder, weightsFiles: weights.weightsFiles } : {};
    this.sessions = runner({ ...options, ...files });
  }

  async image({ tensor, paddedHeight: height, paddedWidth: width }: PreparedImage): Promise<ImageFeatures> {
    const trace = this.trace(`image ${height} ${width}`, () => {
      const maps = this.model.image(input("image", [1, 3, height, width]));
      return Object.fromEntries(MAPS.map((name, i) => [name, maps[i]!]));
    });
    const found = await this.sessions.run(trace, { image: tensor });
    return { maps: MAPS.map((name) => found[name] as Float32Array), height, width };
  }

  async text(ids: Int32Array): Promise<TextFeatures> {
    const tokens = ids.length;
    const trace = this.trace(`text ${tokens}`, () => {
      const vectors = this.model.text(input("ids", [1, tokens], "int64"), input("mask", [1, tokens]));
      return { vectors };
    });
    const feeds = { ids: BigInt64Array.from(ids, BigInt), mask: new Float32Array(tokens).fill(1) };
    const found = await this.sessions.run(trace, feeds);
    return { vectors: found.vectors as Float32Array, tokens };
  }

  /** Runs other parts of the model; `build` makes their outputs, once for each key. */
  async run(key: string, build: () => Record<string, Tensor>, feeds: Feeds): Promise<Record<string, Numbers>> {
    return this.sessions.run(this.trace(key, build), feeds);
  }

  /** The head's outputs at each level, for the selection of boxes. */
  async answer({ maps, height, width }: ImageFeatures, { vectors, tokens }: TextFeatures): Promise<LevelOutputs[]> {
    const trace = this.trace(`answer ${height} ${width} ${tokens}`, () => this.answerOutputs(height, width, tokens));
    const feeds = Object.fromEntries(MAPS.map((name, i) => [name, maps[i]!]));
    const found = await this.sessions.run(trace, { ...feeds, vectors, mask: new Float32Array(tokens).fill(1) });
    return anchorsOf(height, width).map((anchors, i) => ({
      logits: found[`logits.${i}`] as Float32Array,
      offsets: found[`offsets.${i}`] as Float32Array,
      centerness: found[`centerness.${i}`] as Float32Array,
      anchors,
    }));
  }

  /** The tensors of a complete run for a padded size and a number of tokens, to count operations. */
  outputs(height: number, width: number, tokens: number): Record<string, Tensor> {
    const image = this.model.image(input("image", [1, 3, height, width]));
    const vectors = this.model.text(input("ids", [1, tokens], "int64"), input("mask", [1, tokens]));
    return {
      ...Object.fromEntries(MAPS.map((name, i) => [name, image[i]!])),
      vectors,
      ...this.answerOutputs(height, width, tokens),
    };
  }

  async dispose(): Promise<void> {
    await this.sessions.dispose();
    if ("baked" in this.weights) this.weights.dispose();
  }

  /** The same as `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private answerOutputs(height: number, width: number, tokens: number): Record<string, Tensor> {
    const { channels, textWidth } = this.model;
    const sizes = levelsOf(height, width);
    const maps = MAPS.map((name, i) => input(name, [1, channels, sizes[i]!.height, sizes[i]!.width]));
    const vectors = input("vectors", [1, tokens, textWidth]);
    const levels = this.model.answer(maps, vectors, input("mask", [1, tokens]));
    const outputs: Record<string, Tensor> = {};
    levels.forEach((level, i) => {
      for (const part of ["logits", "offsets", "centerness"] as const) outputs[`${part}.${i}`] = level[part];
    });
    return outputs;
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
