/** In which order training sees the examples of several sources: the same for a seed, whatever came before. */

import { Random } from "../random.ts";

/** Where an example stands. */
export interface Turn {
  readonly source: number;
  readonly example: number;
}

export interface OrderedSource {
  /** How many pictures come from it, against the weights of the others. */
  readonly weight: number;
  /** For each example whether its picture is higher than wide. */
  readonly upright: readonly boolean[];
}

/**
 * Batches of turns. An epoch has as many turns as there are examples. A source takes its share of them out of a row of
 * permutations of its own, so that all of its examples are seen before one comes again. Wide and upright pictures go to
 * batches of their own, but for one batch of an epoch; what fills no batch is left out.
 * Source: GLIP `data/samplers/grouped_batch_sampler.py`; its mixture repeats sets as a whole, ours are weighed.
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
    // Ends of the sources' stretches, so that rounding loses no turn.
    let before = 0;
    const ends = sources.map(({ weight }) => {
      before += weight;
      return Math.round((this.batchesPerEpoch * pictures * before) / weights);
    });
    this.shares = ends.map((end, s) => end - (ends[s - 1] ?? 0));
  }

  /** The turns of batch number `job`; it depends on nothing but the number. */
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

  /** The example that is number `turn` in a source's endless row of permutations. */
  private example(source: number, turn: number): number {
    const { length } = this.sources[source]!.upright;
    const pass = Math.floor(turn / length);
    const permutation = this.keep(`source ${source}`, pass, () =>
      new Random(this.seed, "source", source, pass).shuffled(Array.from({ length }, (_, i) => i)),
    );
    return permutation[turn % length]!;
  }

  /** What was made last under a name, made again when its number is another. */
  private keep<Value>(name: string, number: number, make: () => Value): Value {
    const known = this.kept.get(name) as { number: number; value: Value } | undefined;
    if (known?.number === number) return known.value;
    const value = make();
    this.kept.set(name, { number, value });
    return value;
  }
}
