/** Turns Ctrl-C into a signal that lets the current step finish. */

/** What a shell expects of a process that a signal ended: 128 and the signal's number. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/** The user stopped the work. The message says how much is done and how to continue. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/**
 * Calls `work` with a signal that is aborted by the first SIGINT or SIGTERM, so that it can save and return or throw `Interrupted`. The
 * process then exits with 130 or 143. A second one ends the process at once. The handlers are gone when `work` is done.
 */
export async function withInterruption<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const controller = new AbortController();
  const interrupt = (name: keyof typeof exitCodes): void => {
    if (controller.signal.aborted) process.exit(exitCodes[name]);
    process.exitCode = exitCodes[name];
    controller.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

/**
 * Calls `work`, which has nothing to save: the first SIGINT or SIGTERM exits with 130 or 143, and what waits for the process's exit
 * (a terminal to be restored, a temporary file to be deleted) is done.
 */
export async function exitingWhenInterrupted<Result>(work: () => Promise<Result>): Promise<Result> {
  const exit = (name: keyof typeof exitCodes): never => process.exit(exitCodes[name]);
  process.on("SIGINT", exit);
  process.on("SIGTERM", exit);
  try {
    return await work();
  } finally {
    process.off("SIGINT", exit);
    process.off("SIGTERM", exit);
  }
}
