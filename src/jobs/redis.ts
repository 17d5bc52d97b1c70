/** Work shared by all processes that join a BullMQ queue on Redis. A process may join or leave at any time. */
import { setTimeout as pause } from "node:timers/promises";
import type { Queue } from "bullmq";
import { InputError } from "../errors.ts";
import { optional } from "../files/optional-package.ts";
import { type DeadLetter, missingParts, type Part, type Work, type WorkOptions } from "./work.ts";

export interface RedisQueue {
  /** `redis://user:password@host:port/database`. */
  url: string;
  /** Name of the queue; processes that share work use the same name. */
  queue: string;
}

export interface RedisOptions extends WorkOptions, RedisQueue {
  /** Milliseconds without a sign of life after which a worker's shard goes to another worker. */
  lock: number;
  /** Called with each problem of Redis or the network; work continues when it is over. */
  onError?: (message: string) => void;
}

/** Number of shards in each state. Finished shards leave the queue. */
export interface QueueCounts {
  waiting: number;
  active: number;
  /** Failed; will be tried again. */
  delayed: number;
  /** Given up. */
  failed: number;
  workers: number;
}

const SHARING = { purpose: "sharing work through Redis", packages: ["bullmq", "ioredis"] };
const PREFIX = "groundling";
/** Milliseconds between two checks of the queue. */
const LOOK = 500;
/** Milliseconds without an answer after which a new connection is opened; longer than a worker waits for a job. */
const SILENCE = 20_000;

/**
 * Puts the missing shards into the queue, unless they are in it, and works until every shard is finished or given up. A shard is
 * delivered at least once: when the lock of a killed or stopped worker expires, its shard goes to another worker. Two workers may then make one shard; both
 * results are the same. Shards that Redis loses are added again. Shards that an earlier call gave up are tried again.
 * @throws InputError if Redis cannot be reached at the start.
 */
export async function workFromRedis<Shard extends Part>(
  work: Work<Shard>,
  options: RedisOptions,
): Promise<DeadLetter[]> {
  const { queue: name, url, attempts, lock, onError } = options;
  const { Worker } = await optional(() => import("bullmq"), SHARING);
  const queue = await openQueue(options);
  queue.on("error", (error) => onError?.(error.message));
  const byId = new Map(work.shards.map((shard) => [idOf(shard), shard]));
  try {
    await forgetFailed(queue);
    await submit(queue, await missingParts(work), options);
    const worker = new Worker(
      name,
      async ({ id }) => {
        const shard = byId.get(id!)!;
        if (!(await work.isDone(shard))) await work.run(shard);
      },
      { ...connected(url), lockDuration: lock, stalledInterval: lock / 2, maxStalledCount: attempts },
    );
    worker.on("error", (error) => onError?.(error.message));
    try {
      return await watch(queue, work, options);
    } finally {
      // Waits for the current shard.
      await worker.close();
    }
  } finally {
    await queue.close();
  }
}

/** @throws InputError where Redis cannot be reached. */
export async function queueCounts(place: RedisQueue): Promise<QueueCounts> {
  const queue = await openQueue(place);
  try {
    const { waiting = 0, active = 0, delayed = 0, failed = 0 } = await countsOf(queue);
    return { waiting, active, delayed, failed, workers: await queue.getWorkersCount() };
  } finally {
    await queue.close();
  }
}

/** Waits until all shards are finished or given up; adds missing shards to the queue again. */
async function watch<Shard extends Part>(
  queue: Queue,
  work: Work<Shard>,
  options: RedisOptions,
): Promise<DeadLetter[]> {
  for (;;) {
    const { waiting = 0, active = 0, delayed = 0, failed = 0 } = await countsOf(queue);
    const open = waiting + active + delayed;
    options.onDone?.(Math.max(0, work.shards.length - open - failed));
    if (options.signal?.aborted) return [];
    if (open === 0) {
      const missing = await missingParts(work);
      const dead = await deadLetters(queue);
      const lost = missing.filter((shard) => !dead.has(idOf(shard)));
      if (lost.length === 0) return missing.map((shard) => ({ ...dead.get(idOf(shard))!, key: shard.key }));
      await submit(queue, lost, options);
    }
    await pause(LOOK);
  }
}

async function submit<Shard extends Part>(
  queue: Queue,
  shards: readonly Shard[],
  { attempts, retryDelay }: WorkOptions,
): Promise<void> {
  const jobs = shards.map((shard) => ({
    name: "shard",
    data: {},
    opts: {
      jobId: idOf(shard),
      attempts,
      backoff: { type: "exponential", delay: retryDelay },
      removeOnComplete: true,
    },
  }));
  if (jobs.length > 0) await queue.addBulk(jobs);
}

async function deadLetters(queue: Queue): Promise<Map<string, Omit<DeadLetter, "key">>> {
  const jobs = await queue.getFailed();
  return new Map(jobs.map((job) => [job.id!, { reason: job.failedReason, attempts: job.attemptsMade }]));
}

async function forgetFailed(queue: Queue): Promise<void> {
  for (const job of await queue.getFailed()) await job.remove();
}

function countsOf(queue: Queue): Promise<Record<string, number>> {
  return queue.getJobCounts("waiting", "active", "delayed", "failed");
}

/** BullMQ separates parts of keys by colons and reserves whole numbers for its own ids. */
function idOf({ key }: Part): string {
  return `shard-${encodeURIComponent(key)}`;
}

/** @throws InputError where Redis cannot be reached. */
async function openQueue({ url, queue }: RedisQueue): Promise<Queue> {
  await checkConnection(url);
  const { Queue } = await optional(() => import("bullmq"), SHARING);
  return new Queue(queue, connected(url));
}

/** Connects once, to fail early; later BullMQ waits as long as Redis is away. */
async function checkConnection(url: string): Promise<void> {
  if (!/^rediss?:/.test(url) || !URL.canParse(url))
    throw new InputError(`${url} is not a Redis address; write redis://host:6379`);
  const { Redis } = await optional(() => import("ioredis"), SHARING);
  const probe = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: SILENCE });
  let reason = "";
  probe.on("error", (error) => {
    reason = error.message;
  });
  try {
    await probe.connect();
    await probe.ping();
  } catch (error) {
    const { host } = new URL(url);
    throw new InputError(
      `${host}: Redis does not answer (${reason || error}); start it, or give another address with --redis`,
    );
  } finally {
    probe.disconnect();
  }
}

function connected(url: string) {
  return {
    prefix: PREFIX,
    connection: {
      url,
      // Restarts of Redis and network failures pass: keep trying.
      maxRetriesPerRequest: null,
      socketTimeout: SILENCE,
      connectTimeout: SILENCE,
      retryStrategy: (tries: number) => Math.min(100 * tries, 1000),
    },
  };
}
