/** Long evaluations on disk: answers are appended in order as they come, and an interrupted run goes on where it was. */
import { closeSync, existsSync, ftruncateSync, mkdirSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { InputError } from "../errors.ts";
import { openPartNow } from "../files/write-whole.ts";
import { Interrupted } from "../learning/interruption.ts";

export interface Recording {
  /** The file that grows: a line that says what the run is, then one JSON line per item. */
  file: string;
  /** What the run is; a file that begins otherwise is another run's, and refused where that answered an item. */
  run: object;
  items: number;
  /** Each answers for an item; they work side by side. Answers must depend on nothing but the item. */
  workers: readonly ((item: number) => Promise<unknown>)[];
  /** Called with the number of items done, first with those of an earlier run. */
  progress?: ((done: number) => void) | undefined;
  /** Ends the run after the items under way. */
  signal?: AbortSignal | undefined;
}

/**
 * Answers every item that the file does not hold yet. What is in the file is whole lines in the order of the items, always.
 * Throws InputError where it holds answers of another run, and Interrupted where the signal ended it before the last item.
 */
export async function recordInOrder({ file, run, items, workers, progress, signal }: Recording): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  const descriptor = openPartNow(file);
  try {
    const kept = keptLines(file, `${JSON.stringify(run)}\n`);
    ftruncateSync(descriptor, kept.length);
    let end = kept.length;
    const append = (value: unknown) => {
      const bytes = Buffer.from(`${JSON.stringify(value)}\n`);
      writeSync(descriptor, bytes, 0, bytes.length, end);
      end += bytes.length;
    };
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
    // The file stays open until every worker is done: after a failure none begins another item.
    const failures = (await Promise.allSettled(workers.map(work))).flatMap((ended) =>
      ended.status === "rejected" ? [ended.reason] : [],
    );
    if (failures.length) throw failures[0];
    if (written < items)
      throw new Interrupted(
        `interrupted after ${written} of ${items} pictures, which ${file} keeps; run the same again to go on`,
      );
  } finally {
    closeSync(descriptor);
  }
}

/** Length in bytes of the whole lines that this run left, and how many items they answer. */
function keptLines(file: string, head: string): { length: number; items: number } {
  if (!existsSync(file)) return { length: 0, items: 0 };
  const bytes = readFileSync(file);
  const length = bytes.lastIndexOf(10) + 1;
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
  if (bytes.subarray(0, Buffer.byteLength(head)).equals(Buffer.from(head))) return { length, items: lines - 1 };
  if (lines > 1)
    throw new InputError(
      `${file} holds ${lines - 1} answers of another run (another model, other pictures or other questions); ` +
        "remove it, or give another file by --detections",
    );
  return { length: 0, items: 0 };
}
