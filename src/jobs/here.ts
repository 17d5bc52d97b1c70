/** Does work in this process, shard by shard. */
import { setTimeout as pause } from "node:timers/promises";
import type { DeadLetter, Part, Work, WorkOptions } from "./work.ts";
import { missingParts } from "./work.ts";

/** Makes the missing shards in order. A shard that fails is tried again, then given up. */
export async function workHere<Shard extends Part>(
  work: Work<Shard>,
  { attempts, retryDelay, onDone, signal }: WorkOptions,
): Promise<DeadLetter[]> {
  const missing = await missingParts(work);
  const dead: DeadLetter[] = [];
  let done = work.shards.length - missing.length;
  onDone?.(done);
  for (const shard of missing) {
    if (signal?.aborted) break;
    const letter = await attempt(shard);
    if (letter) dead.push(letter);
    else onDone?.(++done);
  }
  return dead;

  async function attempt(shard: Shard): Promise<DeadLetter | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        await work.run(shard);
        return undefined;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (attempt === attempts) return { key: shard.key, reason, attempts };
        await pause(retryDelay * 2 ** (attempt - 1));
      }
    }
  }
}
