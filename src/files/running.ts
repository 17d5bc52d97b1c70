/** Checks whether a process on this host is still running. */

/** Also true for another user's process, which the system refuses to signal. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}
