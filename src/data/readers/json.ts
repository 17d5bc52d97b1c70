/** Reads JSON and JSON-lines files; errors have file and line. */
import { createReadStream, existsSync, statSync } from "node:fs";
import { InputError } from "../../errors.ts";
import { readTextFile } from "../../files/read-file.ts";

/** Maximum size of a record in bytes. */
const LONGEST_LINE = 2 ** 28;

/** Keys and indices from the root of a JSON document. */
export type JsonPath = readonly (string | number)[];

/**
 * Reads a JSON file.
 * @throws InputError with file and line if it cannot be read or parsed.
 */
export function readJson(file: string): unknown {
  return parseJson(readTextFile(file), file);
}

/**
 * Parses JSON.
 * @throws InputError with file and line of the first error.
 */
export function parseJson(source: string, file: string): unknown {
  try {
    return JSON.parse(source.startsWith("\uFEFF") ? source.slice(1) : source);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const position = /position (\d+)/.exec(message);
    const isCutOff = /end of JSON/i.test(message);
    const offset = position ? Number(position[1]) : isCutOff ? source.length : undefined;
    const line = offset === undefined ? "" : `:${lineAt(source, offset)}`;
    throw new InputError(`${file}${line}: not JSON (${message})${isCutOff ? "; is the file truncated?" : ""}`);
  }
}

/**
 * The records of a JSON-lines file, one at a time with their line (from 1); empty lines are skipped.
 * @throws InputError at a line that is not JSON, unless `refused` handles it.
 */
export async function* readJsonLines(
  file: string,
  refused: (error: InputError) => void = (error) => {
    throw error;
  },
): AsyncGenerator<{ line: number; record: unknown }> {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile())
    throw new InputError(
      `${file}: cannot be read (${existsSync(file) ? "it is not a regular file; save it to a file" : "it does not exist"})`,
    );
  let line = 0;
  for await (const bytes of linesOf(file)) {
    line++;
    if (bytes === undefined) {
      refused(
        new InputError(`${file}:${line}: the line has more than ${LONGEST_LINE} bytes; write one record per line`),
      );
      continue;
    }
    const source = bytes.toString("utf8");
    if (source.trim() === "") continue;
    let record: unknown;
    try {
      record = JSON.parse(source);
    } catch (error) {
      refused(new InputError(`${file}:${line}: not JSON (${error instanceof Error ? error.message : error})`));
      continue;
    }
    yield { line, record };
  }
}

/** The lines of a file without line ends; undefined for a line that is too long. */
async function* linesOf(file: string): AsyncGenerator<Buffer | undefined> {
  let parts: Buffer[] = [];
  let held = 0;
  const hold = (part: Buffer) => {
    held += part.length;
    if (held <= LONGEST_LINE) parts.push(part);
    else parts = [];
  };
  const taken = () => {
    const line = held <= LONGEST_LINE ? Buffer.concat(parts) : undefined;
    parts = [];
    held = 0;
    return line;
  };
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let to = chunk.indexOf(10); to >= 0; to = chunk.indexOf(10, from)) {
      hold(chunk.subarray(from, to));
      from = to + 1;
      yield taken();
    }
    hold(chunk.subarray(from));
  }
  if (held > 0) yield taken();
}

/** The line, from 1, of a position in a text. */
function lineAt(source: string, offset: number): number {
  let line = 1;
  for (let at = source.indexOf("\n"); at >= 0 && at < offset; at = source.indexOf("\n", at + 1)) line++;
  return line;
}

/** `$.annotations[3].bbox`. */
export function pathText(path: JsonPath): string {
  return "$" + path.map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`)).join("");
}

/** Wanted paths, by their next step. */
interface PathTree {
  /** Indices of the paths that end here or continue. */
  wanted: number[];
  next: Map<string | number, PathTree>;
}

/**
 * The lines on which the values at some paths start, in valid JSON; for a missing value, the line of its nearest ancestor. Reads the text
 * once, for any number of paths.
 */
export function linesOfPaths(source: string, paths: readonly JsonPath[]): number[] {
  const offsets = new Array<number>(paths.length).fill(0);
  const visit = (at: number, { wanted, next }: PathTree): void => {
    for (const place of wanted) offsets[place] = at;
    if (next.size > 0)
      for (const [step, value] of partsAt(source, at)) {
        const deeper = next.get(step);
        if (deeper) visit(value, deeper);
      }
  };
  visit(skipSpace(source, 0), treeOf(paths));
  const lines = new Map<number, number>();
  let [line, newline] = [1, source.indexOf("\n")];
  for (const offset of Float64Array.from(new Set(offsets)).sort()) {
    for (; newline >= 0 && newline < offset; newline = source.indexOf("\n", newline + 1)) line++;
    lines.set(offset, line);
  }
  return offsets.map((offset) => lines.get(offset)!);
}

function treeOf(paths: readonly JsonPath[]): PathTree {
  const root: PathTree = { wanted: [], next: new Map() };
  for (const [place, path] of paths.entries()) {
    let node = root;
    node.wanted.push(place);
    for (const step of path) {
      const deeper = node.next.get(step) ?? { wanted: [], next: new Map() };
      node.next.set(step, deeper);
      node = deeper;
      node.wanted.push(place);
    }
  }
  return root;
}

function skipSpace(source: string, at: number): number {
  while (at < source.length && " \t\r\n\uFEFF".includes(source[at]!)) at++;
  return at;
}

/** The position after the value that starts here. */
function afterValue(source: string, at: number): number {
  let depth = 0;
  do {
    const character = source[at];
    if (character === undefined) return at;
    if (character === '"') at = afterString(source, at);
    else {
      if (character === "{" || character === "[") depth++;
      else if (character === "}" || character === "]") depth--;
      at++;
    }
  } while (depth > 0 || !/[,\]}\s]/.test(source[at] ?? ","));
  return at;
}

function afterString(source: string, at: number): number {
  for (at++; source[at] !== '"'; at++) if (source[at] === "\\" || source[at] === undefined) at++;
  return at + 1;
}

/** The members of the object, or the elements of the list, that starts here, each with the position of its value. */
function* partsAt(source: string, at: number): Generator<[step: string | number, value: number]> {
  const isObject = source[at] === "{";
  if (!isObject && source[at] !== "[") return;
  at = skipSpace(source, at + 1);
  for (let index = 0; at < source.length && source[at] !== "]" && source[at] !== "}"; index++) {
    let step: string | number = index;
    if (isObject) {
      const end = afterString(source, at);
      step = JSON.parse(source.slice(at, end)) as string;
      at = skipSpace(source, skipSpace(source, end) + 1);
    }
    yield [step, at];
    at = skipSpace(source, afterValue(source, at));
    if (source[at] === ",") at = skipSpace(source, at + 1);
  }
}
