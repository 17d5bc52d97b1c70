/** Lists of names given on the command line. */

import { readFileSync } from "node:fs";
import { InvalidArgumentError, Option } from "commander";
import { InputError } from "../../errors.ts";

/** Reads "person,traffic light". */
export function commaSeparated(text: string): string[] {
  const names = namesOf(text.split(","));
  if (names.length === 0) throw new InvalidArgumentError("give at least one name.");
  return names;
}

/** Reads a file of one name a line. */
export function linesOf(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new InputError(`${file}: the names cannot be read (${error instanceof Error ? error.message : error})`);
  }
  const names = namesOf(text.replace(/^\uFEFF/, "").split(/\r?\n/));
  if (names.length === 0) throw new InputError(`${file}: there are no names; write one a line`);
  return names;
}

/** Phrases of a caption, one each time the option is given. */
export function phraseOption(): Option {
  const option = new Option("--phrase <words>", "words of the caption to find; may be given again");
  return option.argParser((words: string, all: string[] = []) => [...all, words]);
}

/** Each once, without spaces around. */
function namesOf(parts: readonly string[]): string[] {
  return [...new Set(parts.map((name) => name.trim()).filter((name) => name !== ""))];
}
