/** The order in which training uses the examples of several sources; it depends only on the seed. */

import { Random } from "../random.ts";

/** Reference to an example. */
export interface Turn {
  readonly source: number;
  readonly example: number;
}

export interface OrderedSource {
  /** Weight of this source relative to the others. */
  readonly weight: number;
  /** For each example, whether its picture is higher than wide. */
  readonly upright: readonly boolean[];
}

/**
 * Batches of examples. An epoch has as many turns as there are examples. A source gets its fraction of them from its own sequence of
 * permutations, so that all of its examples are used before one repeats. Wide and upright pictures are in separate batches, except for one
 * mixed batch per epoch; examples that do not fill a batch are left out. Source: GLIP `data/samplers/grouped_batch_sampler.py`; its mixture
 * repeats whole sets, ours uses weights.
 */
export class Order {
  readonly batchesPerEpoch: number;
  private readonly shares: readonly number[];
  private readonly kept = new Map<string, unknown>();

  constructor(
    private readonly sources: readonly OrderedSource[],
    private readonly pictures: number,
    private readonly seed: number,
  ) {
    const examples = sources.reduce((sum, { upright }) => sum + upright.length, 0);
    this.batchesPerEpoch = Math.max(1, Math.floor(examples / pictures));
    const weights = sources.reduce((sum, { weight }) => sum + weight, 0);
    // Cumulative ends of the sources' fractions, so that no turn is lost by rounding.
    let before = 0;
    const ends = sources.map(({ weight }) => {
      before += weight;
      return Math.round((this.batchesPerEpoch * pictures * before) / weights);
    });
    this.shares = ends.map((end, s) => end - (ends[s - 1] ?? 0));
  }

  /** The turns of batch number `job`; depends only on the number. */
  batch(job: number): readonly Turn[] {
    const epoch = Math.floor(job / this.batchesPerEpoch);
    return this.keep("epoch", epoch, () => this.epoch(epoch))[job % this.batchesPerEpoch]!;
  }

  private epoch(epoch: number): Turn[][] {
    const random = new Random(this.seed, "epoch", epoch);
    const turns = this.shares.flatMap((share, source) =>
      Array.from({ length: share }, (_, i) => ({ source, example: this.example(source, epoch * share + i) })),
    );
    const mixed = random.shuffled(turns);
    const isUpright = ({ source, example }: Turn) => this.sources[source]!.upright[example]!;
    const grouped = [...mixed.filter((turn) => !isUpright(turn)), ...mixed.filter(isUpright)];
    const batches = Array.from({ length: this.batchesPerEpoch }, (_, b) =>
      grouped.slice(b * this.pictures, (b + 1) * this.pictures),
    );
    return random.shuffled(batches);
  }

  /** The example at position `turn` of a source's endless sequence of permutations. */
  private example(source: number, turn: number): number {
    const { length } = this.sources[source]!.upright;
    const pass = Math.floor(turn / length);
    const permutation = this.keep(`source ${source}`, pass, () =>
      new Random(this.seed, "source", source, pass).shuffled(Array.from({ length }, (_, i) => i)),
    );
    return permutation[turn % length]!;
  }

  /** Caches the last value for each name, and computes it again for another number. */
  private keep<Value>(name: string, number: number, make: () => Value): Value {
    const known = this.kept.get(name) as { number: number; value: Value } | undefined;
    if (known?.number === number) return known.value;
    const value = make();
    this.kept.set(name, { number, value });
    return value;
  }
}
