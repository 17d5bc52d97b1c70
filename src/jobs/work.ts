/** Work divided into shards. It is done by this process, by fixed shares, or by all processes that join a queue. */

/** A part of the work. */
export interface Part {
  /** Unique name of the shard. */
  readonly key: string;
}

export interface Work<Shard extends Part> {
  readonly shards: readonly Shard[];
  /** Whether the shard's result exists. Only results count; a queue merely avoids double work. */
  isDone(shard: Shard): Promise<boolean>;
  /** Makes the shard's result. It appears only when it is complete, with the same bytes each time. */
  run(shard: Shard): Promise<void>;
}

/** A shard that was given up. */
export interface DeadLetter {
  readonly key: string;
  readonly reason: string;
  readonly attempts: number;
}

export interface WorkOptions {
  /** Maximum number of attempts per shard. */
  attempts: number;
  /** Milliseconds before the second attempt, doubled before each further one. */
  retryDelay: number;
  /** Called when a shard is finished, whichever process made it. */
  onDone?: (done: number) => void;
  /** When aborted, no further shard starts. */
  signal?: AbortSignal;
}

/** The shards without a result, in order. */
export async function missingParts<Shard extends Part>({ shards, isDone }: Work<Shard>): Promise<Shard[]> {
  const missing: Shard[] = [];
  for (const shard of shards) if (!(await isDone(shard))) missing.push(shard);
  return missing;
}
