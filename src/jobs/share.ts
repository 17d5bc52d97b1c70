/** A fixed share of the work for each of several processes, read from the scheduler that started them. */
import { InputError } from "../errors.ts";

/** Number `index` (from 0) of `count` processes. */
export interface Share {
  readonly index: number;
  readonly count: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Environment variables of each scheduler: index of this process, number of processes, and the first index where it is not 0. */
const schedulers: Readonly<Record<string, readonly (readonly [index: string, count: string, first?: string])[]>> = {
  slurm: [["SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN"]],
  kubernetes: [["JOB_COMPLETION_INDEX", "JOB_COMPLETIONS"]],
  mpi: [
    ["OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"],
    ["PMI_RANK", "PMI_SIZE"],
  ],
};

/**
 * Reads a share: "3/8" (the fourth of eight) or the name of a scheduler: slurm (an array), kubernetes (an indexed job, with
 * JOB_COMPLETIONS set to its completions), mpi. @throws InputError if it is neither, or the variables are not set.
 */
export function shareOf(text: string, environment: Environment): Share {
  const written = /^(\d+)\/(\d+)$/.exec(text);
  if (written) return checked({ index: Number(written[1]), count: Number(written[2]) }, text);
  if (!Object.hasOwn(schedulers, text))
    throw new InputError(
      `${text} is not a share; write 0/8 for the first of eight, or ${Object.keys(schedulers).join(", ")}`,
    );
  const known = schedulers[text]!;
  const [index, count, first] = known.find(([name]) => environment[name] !== undefined) ?? known[0]!;
  const number = (name: string) => Number(environment[name] ?? Number.NaN);
  const start = first !== undefined && environment[first] !== undefined ? number(first) : 0;
  return checked({ index: number(index) - start, count: number(count) }, `${text} (${index}, ${count})`);
}

/** Every `count`-th shard from number `index` on. */
export function shardsOfShare<Shard>(shards: readonly Shard[], { index, count }: Share): Shard[] {
  return shards.filter((_, place) => place % count === index);
}

function checked(share: Share, text: string): Share {
  const { index, count } = share;
  if (Number.isInteger(index) && Number.isInteger(count) && index >= 0 && index < count) return share;
  throw new InputError(`${text} gives index ${index} of ${count} processes; an index goes from 0 to the count minus 1`);
}
