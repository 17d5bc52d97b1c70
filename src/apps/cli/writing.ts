/** What commands print. */

import { visibleLines } from "../../files/visible.ts";

/** Prints answers on stdout; on a terminal with control characters spelled out, into files and pipes as they are. */
export function print(text: string): void {
  process.stdout.write(process.stdout.isTTY ? visibleLines(text) : text);
}

/** Says something on stderr, with control characters spelled out. */
export function say(text: string): void {
  process.stderr.write(visibleLines(text));
}
