/** Work that is cut into shards, and who does it: this process, a share of it, or all processes that join a queue. */

/** A part of the work. */
export interface Part {
  /** Its name, which no other part has. */
  readonly key: string;
}

export interface Work<Shard extends Part> {
  readonly shards: readonly Shard[];
  /** Whether its result is there. The results are the truth; whoever hands out work only saves doing it twice. */
  isDone(shard: Shard): Promise<boolean>;
  /** Makes a result, which appears at once when it is whole, in the same bytes each time. */
  run(shard: Shard): Promise<void>;
}

/** A shard that was given up. */
export interface DeadLetter {
  readonly key: string;
  readonly reason: string;
  readonly attempts: number;
}

export interface DriveOptions {
  /** How often a shard is tried. */
  attempts: number;
  /** Milliseconds before the second try, doubled before each further one. */
  patience: number;
  /** Called when a shard is found or made, by whomever. */
  onDone?: (done: number) => void;
  /** Aborted, no further shard is begun. */
  signal?: AbortSignal;
}

/** The shards whose results are not there, in order. */
export async function undone<Shard extends Part>({ shards, isDone }: Work<Shard>): Promise<Shard[]> {
  const missing: Shard[] = [];
  for (const shard of shards) if (!(await isDone(shard))) missing.push(shard);
  return missing;
}
