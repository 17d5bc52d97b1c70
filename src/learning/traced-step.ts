/** A training step for any model: the losses of a batch and their gradients for all trained weights, in one graph. */

import { availableParallelism } from "node:os";
import { RecipeError } from "../errors.ts";
import { gradients } from "../grad/index.ts";
import { type BackendOptions, drawMasks, type Lowered, lower, SessionCache, type TraceRunner } from "../onnx/index.ts";
import { SessionPool } from "../onnx/pool.ts";
import { Traces } from "../onnx/traces.ts";
import {
  add,
  type ElementType,
  input,
  multiply,
  type Numbers,
  reachable,
  type Shape,
  type Tensor,
} from "../tensor/index.ts";
import { performAll } from "./array-work.ts";
import { peakBytes } from "./peak-bytes.ts";
import { type Ranks, shardsOfRank, sumOverRanks } from "./ranks.ts";
import { isShared, SharedArrays } from "./shared-arrays.ts";

/** The sizes that determine the shapes of a batch, by name. */
export type BatchSizes = { readonly pictures: number } & Readonly<Record<string, number>>;

/** An array of a batch that is an input of the model or of a loss. */
export interface FedArray<Sizes> {
  shape(sizes: Sizes): Shape;
  /** Default: float32. */
  readonly type?: ElementType;
  /** Whether its first axis is pictures, which are divided between shards; other arrays go to every shard. */
  readonly per: "picture" | "batch";
}

type FedArrays<Sizes> = Readonly<Record<string, FedArray<Sizes>>>;
export type TensorsByName = Readonly<Record<string, Tensor>>;

/** The model in the form that the step traces. */
export interface TracedModel<Sizes, Outputs> {
  readonly inputs: FedArrays<Sizes>;
  forward(inputs: TensorsByName): Outputs;
}

/** A loss; the sum of the losses is minimised. */
export interface LossTerm<Sizes, Outputs> {
  /** The targets, by the names of a batch's arrays; terms may share them. */
  readonly targets: FedArrays<Sizes>;
  /** Whether it compares pictures with each other, so that a batch cannot be divided into shards. */
  readonly acrossPictures?: boolean;
  /** The loss, as a scalar or a tensor of one element. */
  loss(outputs: Outputs, targets: TensorsByName, sizes: Sizes): Tensor;
}

/** A term and its weight (default: 1). */
export interface WeightedTerm<Sizes, Outputs> {
  readonly term: LossTerm<Sizes, Outputs>;
  readonly weight?: number;
}

export interface TracedBatch<Sizes> {
  readonly sizes: Sizes;
  /** The arrays by the names of the model's and the losses' inputs; others are ignored. */
  readonly arrays: Readonly<Record<string, Numbers>>;
}

export interface TracedStepOptions extends BackendOptions {
  /**
   * Number of parts of a batch computed in parallel, each in its own thread (default: 1). Their gradients are added in order, so the bits
   * of a run depend on the number of shards, not of cores.
   */
  shards?: number;
  /** The processes that share the shards, each an equal block (default: this process computes all). All get the same batches. */
  ranks?: Ranks;
  /** Names of parameters that get no gradient and never change. */
  frozen?: RegExp;
  /** Uniform random numbers for dropout; without it, there is no dropout. */
  random?: () => number;
}

type Weights = Map<string, Float32Array>;
const GRADIENT = "gradient:";
/**
 * Rearrangements that bring `train-166` further from the reference: transposes taken into products make gradients a quarter less exact and no
 * faster; scales taken into products make most of them more exact, but one level's scale 4.3 times its noise off on AVX-512 (3.8 the worst without, on AVX2).
 */
const UNWANTED = ["MatmulTransposeFusion", "MatMulScaleFusion"];

/** Computes losses and gradients of a model for batches of any size. Dispose it when done. */
export class TracedStep<Sizes extends BatchSizes, Outputs> {
  private readonly traces = new Traces();
  private readonly sessions: TraceRunner;
  private readonly shards: number;
  /** The first shard of this process, and the first after its last. */
  private readonly own: readonly [start: number, end: number];
  /** All inputs, by name. */
  private readonly fed: FedArrays<Sizes>;
  /** What the threads of shards read and write: weights, and each shard's feeds and gradients. */
  private readonly shared = new SharedArrays();

  /** Throws RecipeError if there are several shards and a term compares pictures with each other, or ranks cannot share the shards equally. */
  constructor(
    private readonly model: TracedModel<Sizes, Outputs>,
    /** The terms by the names of their losses. */
    private readonly terms: Readonly<Record<string, WeightedTerm<Sizes, Outputs>>>,
    private readonly options: TracedStepOptions = {},
  ) {
    const { shards = 1, ranks, frozen, random, ...given } = options;
    for (const [name, { term }] of Object.entries(terms))
      if (shards > 1 && term.acrossPictures)
        throw new RecipeError(`${name} compares the pictures of a batch with each other; shards must be 1`);
    if (ranks && shards % ranks.count !== 0)
      throw new RecipeError(`${ranks.count} ranks cannot share ${shards} shards equally; set shards to a multiple`);
    this.own = ranks ? shardsOfRank(shards, ranks) : [0, shards];
    const workers = Math.min(this.own[1] - this.own[0], availableParallelism());
    const backend = { without: UNWANTED, ...given };
    this.shards = shards;
    this.fed = Object.assign({}, model.inputs, ...Object.values(terms).map(({ term }) => term.targets));
    this.sessions =
      shards === 1
        ? new SessionCache({ patient: true, ...backend })
        : new SessionPool({ ...backend, workers, threads: 1 });
  }

  /** Losses by the names of their terms, and gradients by parameter name; with several shards the next run writes to the same arrays. */
  async run(
    weights: Weights,
    batch: TracedBatch<Sizes>,
  ): Promise<{ losses: Record<string, number>; gradients: Weights }> {
    const { random, ranks } = this.options;
    const given = { weights: this.shards === 1 ? weights : this.share(weights), ...(random ? { random } : {}) };
    const runs = this.rangesOf(batch.sizes).map(([start, end], shard) => {
      const sizes = { ...batch.sizes, pictures: end - start };
      const trace = this.trace(sizes, weights);
      // All ranks draw all masks, so that their generators stay together.
      if (!this.owns(shard)) return random ? void drawMasks(trace, random) : undefined;
      const results = this.shards === 1 ? {} : this.gradientsOf(shard, given.weights);
      return this.sessions.run(trace, this.arraysOf(batch, shard, [start, end]), { ...given, results });
    });
    const parts = (await Promise.all(runs)).filter((part) => part !== undefined);
    const sums = await this.sumOf(parts as Record<string, Float32Array>[]);
    if (ranks)
      await sumOverRanks(
        ranks,
        sums.map(([, numbers]) => numbers),
      );
    const losses: Record<string, number> = {};
    const found: Weights = new Map();
    for (const [name, numbers] of sums) {
      if (name.startsWith(GRADIENT)) found.set(name.slice(GRADIENT.length), numbers);
      else if (name !== "total") losses[name] = numbers[0]!;
    }
    return { losses, gradients: found };
  }

  /** Peak bytes of the values in a step with a batch of these sizes, or with each of its shards. */
  peakBytes(sizes: Sizes): number {
    return peakBytes(Object.values(this.outputs(sizes)));
  }

  dispose(): Promise<void> {
    return this.sessions.dispose();
  }

  /** The weights where all threads can read them, without the frozen ones, which are baked into the sessions. */
  private share(weights: Weights): Weights {
    const trained = [...weights].filter(([name]) => !this.options.frozen?.test(name));
    return new Map(
      trained.map(([name, numbers]) => [
        name,
        isShared(numbers) ? numbers : this.shared.copy(`weight:${name}`, numbers),
      ]),
    );
  }

  /** Sums of the shards' results by name, in the order of the shards. */
  private async sumOf(shards: readonly Record<string, Float32Array>[]): Promise<[string, Float32Array][]> {
    if (shards.length === 1) return Object.entries(shards[0]!);
    const sums = Object.entries(shards[0]!).map(([name, numbers]): [string, Float32Array] => [
      name,
      this.shared.like(`sum:${name}`, numbers),
    ]);
    await performAll(
      sums.map(([name, total]) => {
        const parts = shards.map((shard) => shard[name]!);
        return { kernel: "sum", arrays: { total, parts }, numbers: {} };
      }),
    );
    return sums;
  }

  /** Arrays for the gradients of a shard, by the names of outputs. */
  private gradientsOf(shard: number, trained: Weights): Record<string, Float32Array> {
    return Object.fromEntries(
      [...trained].map(([name, numbers]) => [
        GRADIENT + name,
        this.shared.like(`${shard}:${GRADIENT}${name}`, numbers),
      ]),
    );
  }

  /** Divides a batch into parts with whole pictures: the first picture of each shard, and the first after its last. */
  private rangesOf({ pictures }: Sizes): [start: number, end: number][] {
    const count = Math.min(this.shards, pictures);
    if (this.options.ranks && count < this.shards)
      throw new RecipeError(`a batch of ${pictures} pictures is too small for ${this.shards} shards; use fewer ranks`);
    const bounds = Array.from({ length: count + 1 }, (_, i) => Math.floor((i * pictures) / count));
    return bounds.slice(1).map((end, i) => [bounds[i]!, end]);
  }

  private owns(shard: number): boolean {
    return shard >= this.own[0] && shard < this.own[1];
  }

  /** The arrays of a shard; counts and sums over the batch stay unchanged. */
  private arraysOf(
    { sizes, arrays }: TracedBatch<Sizes>,
    shard: number,
    [start, end]: readonly [number, number],
  ): Record<string, Numbers> {
    const names = Object.keys(this.fed).filter((name) => name in arrays);
    const part = (name: string): Numbers => {
      const numbers = arrays[name]!;
      if (this.shards === 1) return numbers;
      const each = this.fed[name]!.per === "batch" ? 0 : numbers.length / sizes.pictures;
      return this.shared.copy(`${shard}:${name}`, each === 0 ? numbers : numbers.subarray(start * each, end * each));
    };
    return Object.fromEntries(names.map((name) => [name, part(name)]));
  }

  private trace(sizes: Sizes, weights: Weights): Lowered {
    const key = JSON.stringify(sizes);
    return this.traces.of(key, () => this.lower(sizes, weights));
  }

  private lower(sizes: Sizes, weights: Weights): Lowered {
    const { frozen, random } = this.options;
    const baked = (name: string) => (frozen?.test(name) ? weights.get(name) : undefined);
    return lower(this.outputs(sizes), { training: Boolean(random), sizes: "fed", baked });
  }

  /** The losses, their sum, and the gradients of the trained weights. */
  private outputs(sizes: Sizes): Record<string, Tensor> {
    const { frozen } = this.options;
    const losses = this.losses(sizes);
    const total = Object.values(losses).reduce((sum, loss) => add(sum, loss));
    const trained = parametersIn(total).filter(({ name }) => !frozen?.test(name));
    const found = gradients(
      total,
      trained.map(({ tensor }) => tensor),
    );
    const outputs: Record<string, Tensor> = { ...losses, total };
    trained.forEach(({ name }, i) => {
      outputs[GRADIENT + name] = found[i]!;
    });
    return outputs;
  }

  private losses(sizes: Sizes): Record<string, Tensor> {
    const tensors = Object.fromEntries(
      Object.entries(this.fed).map(([name, { shape, type }]) => [name, input(name, shape(sizes), type)]),
    );
    const outputs = this.model.forward(tensors);
    return Object.fromEntries(
      Object.entries(this.terms).map(([name, { term, weight }]) => {
        const loss = term.loss(outputs, tensors, sizes);
        return [name, weight === undefined ? loss : multiply(loss, weight)];
      }),
    );
  }
}

/** The parameters that a loss depends on. */
function parametersIn(loss: Tensor): { name: string; tensor: Tensor }[] {
  const isParameter = (tensor: Tensor): tensor is Tensor<"parameter"> => tensor.operation === "parameter";
  return reachable([loss])
    .filter(isParameter)
    .map((tensor) => ({ name: tensor.attributes.name, tensor }));
}
