/** Work done in this process, shard by shard. */
import { setTimeout as pause } from "node:timers/promises";
import type { DeadLetter, DriveOptions, Part, Work } from "./work.ts";
import { undone } from "./work.ts";

/** Makes the missing shards in order. A shard that fails is tried again, then given up. */
export async function driveHere<Shard extends Part>(
  work: Work<Shard>,
  { attempts, patience, onDone, signal }: DriveOptions,
): Promise<DeadLetter[]> {
  const missing = await undone(work);
  const dead: DeadLetter[] = [];
  let done = work.shards.length - missing.length;
  onDone?.(done);
  for (const shard of missing) {
    if (signal?.aborted) break;
    const letter = await tried(shard);
    if (letter) dead.push(letter);
    else onDone?.(++done);
  }
  return dead;

  async function tried(shard: Shard): Promise<DeadLetter | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        await work.run(shard);
        return undefined;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (attempt === attempts) return { key: shard.key, reason, attempts };
        await pause(patience * 2 ** (attempt - 1));
      }
    }
  }
}
