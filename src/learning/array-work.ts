/** Divides loops over arrays between threads; each loop is done by one thread, so the bits do not depend on their number. */

import { availableParallelism } from "node:os";
import { moduleBeside } from "../files/module-beside.ts";
import { type OpenWorker, openWorker } from "../files/open-worker.ts";
import { type ArrayTask, perform } from "./kernels.ts";
import { isShared } from "./shared-arrays.ts";

/** More threads would only wait for memory. */
const MOST_THREADS = 4;
/** Fewer numbers are done sooner than they are handed over. */
const LEAST_NUMBERS = 1e5;

const helpers: OpenWorker<ArrayTask[], number[]>[] = [];

/**
 * Does all tasks and returns their numbers in order. Tasks whose arrays are all in shared memory are divided between this thread and
 * helper threads, which are started when first needed. Tasks on one array are done by one thread in their order; a task may not join
 * arrays that earlier tasks used apart.
 */
export async function performAll(tasks: readonly ArrayTask[]): Promise<number[]> {
  const parts = divided(tasks);
  const found: number[] = new Array(tasks.length);
  const handed = parts.slice(1).map(async (part, i) => {
    const numbers = await helper(i).ask(part.map((index) => tasks[index]!));
    for (const [j, index] of part.entries()) found[index] = numbers[j]!;
  });
  for (const index of parts[0]!) found[index] = perform(tasks[index]!);
  await Promise.all(handed);
  return found;
}

/** The indices of each thread's tasks, with about the same count of numbers; those in unshared memory go to this thread, the first. */
function divided(tasks: readonly ArrayTask[]): number[][] {
  const indices = [...tasks.keys()];
  const shared = indices.filter((index) => arraysOf(tasks[index]!).every(isShared));
  const count = (group: readonly number[]) => group.reduce((sum, index) => sum + arraysOf(tasks[index]!)[0]!.length, 0);
  const threads = Math.min(MOST_THREADS, availableParallelism(), Math.floor(count(shared) / LEAST_NUMBERS));
  if (threads < 2) return [indices];
  const shares = Array.from({ length: threads }, () => ({ numbers: 0, part: [] as number[] }));
  for (const group of groupsOf(tasks, shared).sort((a, b) => count(b) - count(a))) {
    const least = shares.reduce((a, b) => (b.numbers < a.numbers ? b : a));
    least.numbers += count(group);
    least.part.push(...group);
  }
  const parts = shares.map(({ part }) => part);
  const known = new Set(shared);
  parts[0]!.push(...indices.filter((index) => !known.has(index)));
  return parts;
}

/** The tasks on the same arrays, in their order. */
function groupsOf(tasks: readonly ArrayTask[], indices: readonly number[]): number[][] {
  const groups = new Map<Float32Array, number[]>();
  for (const index of indices) {
    const arrays = arraysOf(tasks[index]!);
    const group = arrays.map((array) => groups.get(array)).find((known) => known !== undefined) ?? [];
    group.push(index);
    for (const array of arrays) groups.set(array, group);
  }
  return [...new Set(groups.values())];
}

function arraysOf({ arrays }: ArrayTask): Float32Array[] {
  return Object.values(arrays).flat();
}

function helper(i: number): OpenWorker<ArrayTask[], number[]> {
  const known = helpers[i];
  if (known?.isOpen) return known;
  const module = moduleBeside("./array-worker", import.meta.url);
  helpers[i] = openWorker<typeof import("./array-worker.ts")>("array worker", module, undefined);
  return helpers[i];
}
