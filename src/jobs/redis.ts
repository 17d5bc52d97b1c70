/** Work shared by all processes that join a queue of BullMQ on Redis; they come and go at will. */
import { setTimeout as pause } from "node:timers/promises";
import type { Queue } from "bullmq";
import { InputError } from "../errors.ts";
import { type DeadLetter, type DriveOptions, type Part, undone, type Work } from "./work.ts";

export interface RedisQueue {
  /** `redis://user:password@host:port/database`. */
  url: string;
  /** Its name; processes with the same work have the same. */
  queue: string;
}

export interface RedisOptions extends DriveOptions, RedisQueue {
  /** Milliseconds after which the shard of a worker that is silent goes to another. */
  lock: number;
  /** Told of what Redis and the network do, which is waited out. */
  onTrouble?: (message: string) => void;
}

/** What a queue holds. Done shards leave it. */
export interface QueueCounts {
  waiting: number;
  active: number;
  /** Failed and to be tried again. */
  delayed: number;
  /** Given up. */
  failed: number;
  workers: number;
}

const PREFIX = "groundling";
/** Milliseconds between two looks at the queue. */
const LOOK = 500;
/** Milliseconds without an answer after which a connection is given up for another; more than a worker waits for a job. */
const SILENCE = 20_000;

/**
 * Puts the missing shards into the queue, unless they are there, and works on it until all results are there or given up. A shard is
 * delivered at least once: a killed worker's goes to another when its lock ends, as does that of a worker which was stopped for longer; both
 * results are the same. What Redis forgets is put in again. Shards that were given up before are tried anew.
 * @throws InputError where Redis cannot be reached at the start.
 */
export async function driveFromRedis<Shard extends Part>(
  work: Work<Shard>,
  options: RedisOptions,
): Promise<DeadLetter[]> {
  const { queue: name, url, attempts, lock, onTrouble } = options;
  const { Worker } = await import("bullmq");
  const queue = await openQueue(options);
  queue.on("error", (error) => onTrouble?.(error.message));
  const byId = new Map(work.shards.map((shard) => [idOf(shard), shard]));
  try {
    await forgetFailed(queue);
    await submit(queue, await undone(work), options);
    const worker = new Worker(
      name,
      async ({ id }) => {
        const shard = byId.get(id!)!;
        if (!(await work.isDone(shard))) await work.run(shard);
      },
      { ...connected(url), lockDuration: lock, stalledInterval: lock / 2, maxStalledCount: attempts },
    );
    worker.on("error", (error) => onTrouble?.(error.message));
    try {
      return await watch(queue, work, options);
    } finally {
      // Waits for the shard under way.
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

/** Waits until nothing is left to do, putting in again what is missing and not in the queue. */
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
      const missing = await undone(work);
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
  { attempts, patience }: DriveOptions,
): Promise<void> {
  const jobs = shards.map((shard) => ({
    name: "shard",
    data: {},
    opts: {
      jobId: idOf(shard),
      attempts,
      backoff: { type: "exponential", delay: patience },
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

/** BullMQ parts its keys by colons, and takes whole numbers for ids of its own. */
function idOf({ key }: Part): string {
  return `shard-${encodeURIComponent(key)}`;
}

/** @throws InputError where Redis cannot be reached. */
async function openQueue({ url, queue }: RedisQueue): Promise<Queue> {
  await reach(url);
  const { Queue } = await import("bullmq");
  return new Queue(queue, connected(url));
}

/** Asks once; from then on, BullMQ waits for Redis however long it is away. */
async function reach(url: string): Promise<void> {
  if (!/^rediss?:/.test(url) || !URL.canParse(url))
    throw new InputError(`${url} is no address of a Redis; write redis://host:6379`);
  const { Redis } = await import("ioredis");
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
    throw new InputError(`${host}: Redis does not answer (${reason || error}); start it, or name another with --redis`);
  } finally {
    probe.disconnect();
  }
}

function connected(url: string) {
  return {
    prefix: PREFIX,
    connection: {
      url,
      // A restart or a pulled cable is waited out.
      maxRetriesPerRequest: null,
      socketTimeout: SILENCE,
      connectTimeout: SILENCE,
      retryStrategy: (tries: number) => Math.min(100 * tries, 1000),
    },
  };
}
