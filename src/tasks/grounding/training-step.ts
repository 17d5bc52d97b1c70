/** One step of training: losses of a batch and their gradient for every trained weight. */

import { availableParallelism } from "node:os";
import { anchorsOf } from "../../boxes/anchors.ts";
import { concatenate } from "../../boxes/atss.ts";
import { gradients } from "../../grad/index.ts";
import type { Detector, HeadLevel } from "../../models/parts/detector.ts";
import { type BackendOptions, type Lowered, lower, SessionCache, type TraceRunner } from "../../onnx/index.ts";
import { SessionPool } from "../../onnx/pool.ts";
import { Traces } from "../../onnx/traces.ts";
import { add, input, multiply, type Numbers, reachable, type Tensor } from "../../tensor/index.ts";
import { contrastLoss } from "./contrast.ts";
import { type GroundingLosses, groundingLosses, targetTensors } from "./losses.ts";
import type { TargetNumbers } from "./targets.ts";

/** n prepared pictures of one size with their captions and targets. */
export interface GroundingBatch {
  /** [n,3,height,width]. */
  image: Float32Array;
  pictures: number;
  height: number;
  width: number;
  /** Token ids and mask [n,tokens]. */
  ids: BigInt64Array;
  mask: Float32Array;
  tokens: number;
  /** Of all real tokens unless there is a `target.mask`. */
  targets: TargetNumbers;
}

export interface TrainingStepOptions extends BackendOptions {
  /**
   * Parts of a batch that are computed at the same time, each in a thread of its own; 1 unless told. Their gradients are
   * added in order, so runs of the same number of shards end in the same bits whatever the machine's cores.
   */
  shards?: number;
  /** Weight of the contrast between regions and words across pictures; none without. */
  contrast?: number;
  /** Names of parameters that get no gradient and never change. */
  frozen?: RegExp;
  /** Uniform numbers for dropout; none is done without it. */
  random?: () => number;
}

type Weights = Map<string, Float32Array>;
const GRADIENT = "gradient:";
/**
 * Rearrangements that bring `train-166` further from the reference: transposes taken into products make gradients a quarter less exact and no
 * faster; scales taken into products make most of them more exact, but one level's scale 4.3 times its noise off on AVX-512 (3.8 the worst without, on AVX2).
 */
const UNWANTED = ["MatmulTransposeFusion", "MatMulScaleFusion"];

/** Losses and gradients of a detector's training for batches of any size; dispose it when done. */
export class GroundingTrainingStep {
  private readonly traces = new Traces();
  private readonly sessions: TraceRunner;
  private readonly shards: number;
  /** The weights of this step where all threads can read them. */
  private readonly shared: Weights = new Map();

  constructor(
    private readonly model: Detector,
    private readonly options: TrainingStepOptions = {},
  ) {
    const { shards = 1, frozen, random, contrast, ...given } = options;
    const backend = { without: UNWANTED, freesMemory: true, ...given };
    this.shards = shards;
    this.sessions =
      shards === 1
        ? new SessionCache({ patient: true, ...backend })
        : new SessionPool({ ...backend, workers: Math.min(shards, availableParallelism()), threads: 1 });
  }

  /** Losses under the reference's names, and gradients by parameter name. */
  async run(weights: Weights, batch: GroundingBatch): Promise<{ losses: Record<string, number>; gradients: Weights }> {
    const { random } = this.options;
    const settings = { weights: this.shards === 1 ? weights : this.share(weights), ...(random ? { random } : {}) };
    const parts = await Promise.all(
      shardsOf(batch, this.shards).map((shard) =>
        this.sessions.run(this.trace(shard, weights), feedsOf(shard), settings),
      ),
    );
    const losses: Record<string, number> = {};
    const found: Weights = new Map();
    for (const [name, numbers] of Object.entries(sumOf(parts as Record<string, Float32Array>[]))) {
      if (name.startsWith(GRADIENT)) found.set(name.slice(GRADIENT.length), numbers);
      else if (name !== "total") losses[name] = numbers[0]!;
    }
    return { losses, gradients: found };
  }

  dispose(): Promise<void> {
    return this.sessions.dispose();
  }

  private share(weights: Weights): Weights {
    for (const [name, numbers] of weights) {
      // Frozen ones are baked into the sessions.
      if (this.options.frozen?.test(name)) continue;
      const place = this.shared.get(name) ?? new Float32Array(new SharedArrayBuffer(numbers.byteLength));
      place.set(numbers);
      this.shared.set(name, place);
    }
    return this.shared;
  }

  private trace(batch: GroundingBatch, weights: Weights): Lowered {
    const key = [batch.pictures, batch.height, batch.width, batch.tokens].join(" ");
    return this.traces.of(key, () => this.lower(batch, weights));
  }

  private lower({ pictures, height, width, tokens }: GroundingBatch, weights: Weights): Lowered {
    const { model, options } = this;
    const image = input("image", [pictures, 3, height, width]);
    const ids = input("ids", [pictures, tokens], "int64");
    const mask = input("mask", [pictures, tokens]);
    const levels = model.answer(model.image(image), model.text(ids, mask), mask);
    const anchors = concatenate(anchorsOf(height, width));
    const own = groundingLosses(levels, anchors, targetTensors(pictures, anchors.length / 4, tokens));
    const losses = options.contrast ? withContrast(own, levels, options.contrast) : own;
    const trained = parametersIn(losses.total).filter(({ name }) => !options.frozen?.test(name));
    const found = gradients(
      losses.total,
      trained.map(({ tensor }) => tensor),
    );
    const outputs: Record<string, Tensor> = { ...losses };
    trained.forEach(({ name }, i) => {
      outputs[GRADIENT + name] = found[i]!;
    });
    const baked = (name: string) => (options.frozen?.test(name) ? weights.get(name) : undefined);
    return lower(outputs, { training: Boolean(options.random), sizes: "fed", baked });
  }
}

/** A batch cut into as many parts of whole pictures; counts and sums over the batch stay as they are. */
function shardsOf(batch: GroundingBatch, shards: number): GroundingBatch[] {
  const count = Math.min(shards, batch.pictures);
  if (count === 1) return [batch];
  return Array.from({ length: count }, (_, i) => {
    const start = Math.floor((i * batch.pictures) / count);
    const end = Math.floor(((i + 1) * batch.pictures) / count);
    const part = <N extends Float32Array | BigInt64Array>(numbers: N): N => {
      const each = numbers.length / batch.pictures;
      return numbers.slice(start * each, end * each) as N;
    };
    const targets = Object.entries(batch.targets).map(([name, t]) => [name, t.length === 1 ? t : part(t)]);
    return {
      ...batch,
      pictures: end - start,
      image: part(batch.image),
      ids: part(batch.ids),
      mask: part(batch.mask),
      targets: Object.fromEntries(targets) as TargetNumbers,
    };
  });
}

function feedsOf({ image, ids, mask, targets }: GroundingBatch): Record<string, Numbers> {
  return { image, ids, mask, "target.mask": mask, ...targets };
}

/** Sums by name, in the order given; the first addend becomes the sum. */
function sumOf([first, ...others]: Record<string, Float32Array>[]): Record<string, Float32Array> {
  for (const [name, sum] of Object.entries(first!))
    for (const other of others) for (let i = 0; i < sum.length; i++) sum[i]! += other[name]![i]!;
  return first!;
}

function withContrast(losses: GroundingLosses, levels: readonly HeadLevel[], weight: number) {
  const loss = multiply(contrastLoss(levels.flatMap(({ aligned }) => aligned ?? [])), weight);
  return { ...losses, loss_contrast: loss, total: add(losses.total, loss) };
}

/** The parameters that a loss depends on. */
function parametersIn(loss: Tensor): { name: string; tensor: Tensor }[] {
  const isParameter = (tensor: Tensor): tensor is Tensor<"parameter"> => tensor.operation === "parameter";
  return reachable([loss])
    .filter(isParameter)
    .map((tensor) => ({ name: tensor.attributes.name, tensor }));
}
