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

/** Reads a file with one name per line, or the concepts of `groundling concepts` (.json). */
export function linesOf(file: string): string[] {
  const text = readTextFile(file);
  if (file.endsWith(".json")) return conceptNames(text, file);
  const names = namesOf(text.replace(/^\uFEFF/, "").split(/\r?\n/));
  if (names.length === 0) throw new InputError(`${file}: the file has no names; write one per line`);
  return names;
}

function conceptNames(text: string, file: string): string[] {
  let concepts: unknown;
  try {
    ({ concepts } = JSON.parse(text) as { concepts?: unknown });
  } catch (error) {
    throw new InputError(`${file}: not JSON (${error instanceof Error ? error.message : error})`);
  }
  const names = (Array.isArray(concepts) ? concepts : []).map((concept: { name?: unknown } | null) => concept?.name);
  const wrong = names.findIndex((name) => typeof name !== "string" || name.trim() === "");
  if (names.length === 0 || wrong >= 0)
    throw new InputError(
      `${file}: ${names.length === 0 ? "has no concepts" : `concept ${wrong + 1} has no name`}; write {"concepts": [{"name": "dog"}]}, as groundling concepts does`,
    );
  const twice = names.find(
    (
      (seen) => (name: unknown) =>
        seen.size === seen.add(name).size
    )(new Set()),
  );
  if (twice !== undefined) throw new InputError(`${file}: names ${twice} twice; give each concept once`);
  return names as string[];
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
