/** JSON and JSON-lines files: what is wrong is said with file and line. */
import { createReadStream, existsSync, statSync } from "node:fs";
import { InputError } from "../../errors.ts";
import { readTextFile } from "../../files/read-file.ts";

/** Bytes of one record. */
const LONGEST_LINE = 2 ** 28;

export type JsonPath = readonly (string | number)[];

/** Reads a JSON file. @throws InputError with file and line where it cannot be read or parsed. */
export function readJson(file: string): unknown {
  return parseJson(readTextFile(file), file);
}

/** Parses JSON. @throws InputError with file and line of the first mistake. */
export function parseJson(source: string, file: string): unknown {
  try {
    return JSON.parse(source.startsWith("\uFEFF") ? source.slice(1) : source);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const position = /position (\d+)/.exec(message);
    const isCutOff = /end of JSON/i.test(message);
    const offset = position ? Number(position[1]) : isCutOff ? source.length : undefined;
    const line = offset === undefined ? "" : `:${lineAt(source, offset)}`;
    throw new InputError(`${file}${line}: not JSON (${message})${isCutOff ? "; is the file cut off?" : ""}`);
  }
}

/**
 * The records of a JSON-lines file, one at a time with their line from 1; empty lines are passed over.
 * @throws InputError at a line that is not JSON, unless `refused` takes it.
 */
export async function* readJsonLines(
  file: string,
  refused: (error: InputError) => void = (error) => {
    throw error;
  },
): AsyncGenerator<{ line: number; record: unknown }> {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile())
    throw new InputError(
      `${file}: cannot be read (${existsSync(file) ? "it is no regular file; save it as one" : "it is not there"})`,
    );
  let line = 0;
  for await (const bytes of linesOf(file)) {
    line++;
    if (bytes === undefined) {
      refused(
        new InputError(`${file}:${line}: the line has more than ${LONGEST_LINE} bytes; is it one record a line?`),
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

/** The lines of a file without their ends; undefined for one that is too long to be held. */
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
export function lineAt(source: string, offset: number): number {
  let line = 1;
  for (let at = source.indexOf("\n"); at >= 0 && at < offset; at = source.indexOf("\n", at + 1)) line++;
  return line;
}

/** `$.annotations[3].bbox`. */
export function pathText(path: JsonPath): string {
  return "$" + path.map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`)).join("");
}

/** The line on which the value at a path begins, in a text known to be JSON; that of its nearest ancestor where it is missing. */
export function lineOfPath(source: string, path: JsonPath): number {
  let at = skipSpace(source, 0);
  for (const step of path) {
    const next = typeof step === "number" ? elementAt(source, at, step) : memberAt(source, at, step);
    if (next === undefined) break;
    at = next;
  }
  return lineAt(source, at);
}

function skipSpace(source: string, at: number): number {
  while (at < source.length && " \t\r\n\uFEFF".includes(source[at]!)) at++;
  return at;
}

/** The position after the value that begins here. */
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

function elementAt(source: string, at: number, index: number): number | undefined {
  if (source[at] !== "[") return undefined;
  at = skipSpace(source, at + 1);
  for (let i = 0; i < index; i++) {
    at = skipSpace(source, afterValue(source, at));
    if (source[at] !== ",") return undefined;
    at = skipSpace(source, at + 1);
  }
  return at;
}

function memberAt(source: string, at: number, name: string): number | undefined {
  if (source[at] !== "{") return undefined;
  at = skipSpace(source, at + 1);
  while (source[at] === '"') {
    const end = afterString(source, at);
    const value = skipSpace(source, skipSpace(source, end) + 1);
    if (JSON.parse(source.slice(at, end)) === name) return value;
    at = skipSpace(source, afterValue(source, value));
    if (source[at] !== ",") return undefined;
    at = skipSpace(source, at + 1);
  }
  return undefined;
}
