/** Lists of names on the command line. */

import { InvalidArgumentError, Option } from "commander";
import { InputError } from "../../errors.ts";
import { readTextFile } from "../../files/read-file.ts";

/** Reads "person,traffic light". */
export function commaSeparated(text: string): string[] {
  const names = namesOf(text.split(","));
  if (names.length === 0) throw new InvalidArgumentError("give at least one name.");
  return names;
}

/** Reads a file with one name per line. */
export function linesOf(file: string): string[] {
  const names = namesOf(
    readTextFile(file)
      .replace(/^\uFEFF/, "")
      .split(/\r?\n/),
  );
  if (names.length === 0) throw new InputError(`${file}: the file has no names; write one per line`);
  return names;
}

/** The option for phrases of a caption; each use adds one phrase. */
export function phraseOption(): Option {
  const option = new Option("--phrase <words>", "words of the caption to find; can be repeated");
  return option.argParser((words: string, all: string[] = []) => [...all, words]);
}

/** Trims names and removes duplicates. */
function namesOf(parts: readonly string[]): string[] {
  return [...new Set(parts.map((name) => name.trim()).filter((name) => name !== ""))];
}
