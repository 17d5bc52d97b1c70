/** Whether a process of this host is still running. */

/** True for a process of another user, too, although the system refuses to signal it. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}
