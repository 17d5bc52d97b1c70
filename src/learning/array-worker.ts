/** Does loops over arrays in shared memory in a worker thread. */

import type { Service } from "../files/open-worker.ts";
import { type ArrayTask, perform } from "./kernels.ts";

export function open(_setup: undefined): Service<ArrayTask[], number[]> {
  return { answer: (tasks) => tasks.map(perform) };
}
