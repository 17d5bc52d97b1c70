/** Long evaluations on disk: results are appended in order, and an interrupted run continues where it stopped. */
import { closeSync, existsSync, ftruncateSync, mkdirSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { InputError } from "../errors.ts";
import { openPartNow } from "../files/write-whole.ts";
import { Interrupted } from "../learning/interruption.ts";

export interface Recording {
  /** The file of results: a line that identifies the run, then one JSON line per item. */
  file: string;
  /** Identifies the run. A file with another first line and results belongs to another run and is refused. */
  run: object;
  items: number;
  /** Workers that run in parallel; each computes the result of an item. Results must depend only on the item. */
  workers: readonly ((item: number) => Promise<unknown>)[];
  /** Called with the number of items done, first with the number from an earlier run. */
  progress?: ((done: number) => void) | undefined;
  /** Stops the run after the current items. */
  signal?: AbortSignal | undefined;
}

/**
 * Computes every item that is not in the file yet. The file always has complete lines in the order of the items.
 * Throws InputError if it has results of another run, and Interrupted if the signal stopped it before the last item.
 */
export async function recordInOrder({ file, run, items, workers, progress, signal }: Recording): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  const descriptor = openPartNow(file);
  try {
    const kept = keptLines(file, `${JSON.stringify(run)}\n`);
    ftruncateSync(descriptor, kept.length);
    const append = lineWriter(descriptor, kept.length);
    if (kept.length === 0) append(run);
    let written = kept.items;
    let next = kept.items;
    const waiting = new Map<number, unknown>();
    progress?.(written);
    const work = async (answer: (item: number) => Promise<unknown>) => {
      while (next < items && !signal?.aborted) {
        const item = next++;
        const answered = await answer(item).catch((error: unknown) => {
          next = items;
          throw error;
        });
        waiting.set(item, answered);
        for (; waiting.has(written); written++) {
          append(waiting.get(written));
          waiting.delete(written);
        }
        progress?.(written);
      }
    };
    // The file stays open until every worker is done; after a failure, no worker starts another item.
    const failures = (await Promise.allSettled(workers.map(work))).flatMap((ended) =>
      ended.status === "rejected" ? [ended.reason] : [],
    );
    if (failures.length) throw failures[0];
    if (written < items)
      throw new Interrupted(
        `interrupted after ${written} of ${items} pictures, saved in ${file}; run the same command again to continue`,
      );
  } finally {
    closeSync(descriptor);
  }
}

/** Writes values as JSON lines, the first at `start`, in bytes. */
function lineWriter(descriptor: number, start: number): (value: unknown) => void {
  let end = start;
  return (value) => {
    const bytes = Buffer.from(`${JSON.stringify(value)}\n`);
    writeSync(descriptor, bytes, 0, bytes.length, end);
    end += bytes.length;
  };
}

/** Length in bytes of the complete lines of this run, and the number of their items. */
function keptLines(file: string, head: string): { length: number; items: number } {
  if (!existsSync(file)) return { length: 0, items: 0 };
  const bytes = readFileSync(file);
  const length = bytes.lastIndexOf(10) + 1;
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
  if (bytes.subarray(0, Buffer.byteLength(head)).equals(Buffer.from(head))) return { length, items: lines - 1 };
  if (lines > 1)
    throw new InputError(
      `${file} has ${lines - 1} results of another run (another model, other pictures or other prompts); ` +
        "delete it, or give another file with --detections",
    );
  return { length: 0, items: 0 };
}
