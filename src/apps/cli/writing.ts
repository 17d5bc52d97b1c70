/** What commands print. */

import type { Command } from "commander";
import { visibleLines } from "../../files/visible.ts";

/** Prints answers on stdout; on a terminal with control characters spelled out, into files and pipes as they are. */
export function print(text: string): void {
  process.stdout.write(process.stdout.isTTY ? visibleLines(text) : text);
}

/** Says something on stderr, with control characters spelled out. */
export function say(text: string): void {
  process.stderr.write(visibleLines(text));
}

/** Adds the option that keeps progress and notes from standard error. */
export function addQuietOption(command: Command): Command {
  return command.option("--quiet", "show no progress", false);
}
