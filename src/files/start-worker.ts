/** Worker threads that run our modules from `dist` and, through tsx, from the TypeScript sources alike. */

import { Worker } from "node:worker_threads";
import { telemetryOff } from "./telemetry.ts";

/** Starts a worker thread on a module. */
export function startWorker(program: URL, workerData: unknown): Worker {
  telemetryOff();
  if (!program.href.endsWith(".ts")) return new Worker(program, { workerData });
  // `--import tsx` acts in the main thread only, so the worker registers tsx itself.
  const tsx = JSON.stringify(import.meta.resolve("tsx/esm/api"));
  const prelude = `data:text/javascript,${encodeURIComponent(`import { register } from ${tsx}; register();`)}`;
  return new Worker(program, { workerData, execArgv: ["--import", prelude] });
}
