/** Output to the terminal. */

import type { Command } from "commander";
import { visibleLines } from "../../files/visible.ts";

/** Prints results to stdout. Escapes control characters on a terminal; files and pipes get the text unchanged. */
export function print(text: string): void {
  process.stdout.write(process.stdout.isTTY ? visibleLines(text) : text);
}

/** Prints a message to stderr, with control characters escaped. */
export function say(text: string): void {
  process.stderr.write(visibleLines(text));
}

/** Adds the option that turns off progress and notes on stderr. */
export function addQuietOption(command: Command): Command {
  return command.option("--quiet", "do not show progress", false);
}
