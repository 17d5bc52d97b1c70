/** Lists of names on the command line. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { InputError } from "../../errors.ts";
import { readTextFile } from "../../files/read-file.ts";
import { namesInPrompt } from "../../inputs/words/prompts.ts";

/** The names of things to find. */
export interface NameChoices {
  prompt?: string;
  classes?: string[];
  classesFile?: string[];
}

/** The error of a command that needs names and has none. */
export const NO_NAMES = "error: no names to find; give --prompt TEXT, --classes A,B or --classes-file FILE";

/** Adds the options that name things to find. */
export function addNameOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--prompt <text>", 'what to find, for example "person. bicycle."').conflicts([
        "classes",
        "classesFile",
      ]),
    )
    .addOption(
      new Option("--classes <names>", "names to find, separated by commas")
        .argParser(commaSeparated)
        .conflicts("classesFile"),
    )
    .addOption(new Option("--classes-file <file>", "file with names to find, one per line").argParser(linesOf));
}

/** The names that are given, if any. */
export function namedBy({ prompt, classes, classesFile }: NameChoices): string[] | undefined {
  return prompt === undefined ? (classes ?? classesFile) : namesInPrompt(prompt);
}

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
