/** Ctrl-C as a signal that lets the step under way finish. */

/**
 * Calls `work` with a signal that is aborted by the first SIGINT or SIGTERM, so that it can save and return; a second
 * one ends the process at once with exit code 130. The handlers are gone when `work` is done.
 */
export async function withInterruption<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(130);
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
