/** The errors and warnings of a dataset, each with its location. */
import { InputError } from "../../errors.ts";
import { type JsonPath, linesOfPaths, pathText } from "./json.ts";

/** A location in a file: a line, or a path in JSON. */
export interface Place {
  file: string;
  line?: number;
  path?: JsonPath;
}

/** A problem in a dataset and its location. */
export interface Problem extends Place {
  /** Errors make records unusable; warnings would silently affect evaluation or training. */
  severity: "error" | "warning";
  message: string;
}

/** Maximum number of errors and of warnings that are kept; a damaged file can have millions. */
const MOST_KEPT = 10_000;

/** Collects problems while a dataset is read, to report them all at once. Counts all, and keeps the first 10,000 of each severity. */
export class Problems {
  readonly list: Problem[] = [];
  readonly #counts = { error: 0, warning: 0 };

  /** The number of errors. */
  get errors(): number {
    return this.#counts.error;
  }

  /** The number of warnings. */
  get warnings(): number {
    return this.#counts.warning;
  }

  /** The number of errors and warnings. */
  get count(): number {
    return this.errors + this.warnings;
  }

  /** Adds a problem that makes the data unusable. */
  error(place: Place, message: string): void {
    this.#add("error", place, message);
  }

  /** Adds a problem that leaves the data usable. */
  warn(place: Place, message: string): void {
    this.#add("warning", place, message);
  }

  #add(severity: Problem["severity"], place: Place, message: string): void {
    if (this.#counts[severity]++ < MOST_KEPT) this.list.push({ ...place, severity, message });
  }

  /** Removes all problems. Returns those that were kept. */
  take(): Problem[] {
    this.#counts.error = this.#counts.warning = 0;
    return this.list.splice(0);
  }

  /**
   * Adds the error of a file's reader as a problem, at the line in its message.
   * @throws any other error.
   */
  caught(error: unknown, file: string): void {
    if (!(error instanceof InputError)) throw error;
    const said = error.message.startsWith(`${file}:`) ? error.message.slice(file.length + 1) : ` ${error.message}`;
    const [, line, message] = /^(\d*):? ([\s\S]*)$/.exec(said) ?? [];
    this.error(line ? { file, line: Number(line) } : { file }, message ?? error.message);
  }

  /** @throws InputError that lists the errors, if there are any. */
  refuseErrors(what: string): void {
    if (this.errors === 0) return;
    const errors = this.list.filter(({ severity }) => severity === "error");
    const shown = errors.slice(0, 20).map((problem) => `\n  ${placeText(problem)}: ${problem.message}`);
    const more = this.errors > shown.length ? `\n  and ${this.errors - shown.length} more` : "";
    throw new InputError(`${what} cannot be used, ${this.errors} errors:${shown.join("")}${more}`);
  }
}

/** `file:line`, with the JSON path if there is one. */
export function placeText({ file, line, path }: Place): string {
  return `${file}${line === undefined ? "" : `:${line}`}${path === undefined ? "" : ` ${pathText(path)}`}`;
}

/** Adds the line to problems that only have a JSON path. Reads each file once. */
export function withLines(problems: readonly Problem[], sourceOf: (file: string) => string): Problem[] {
  const without = new Map<string, number[]>();
  for (const [place, { file, line, path }] of problems.entries()) {
    if (line !== undefined || path === undefined) continue;
    const places = without.get(file) ?? [];
    without.set(file, places);
    places.push(place);
  }
  const lined = [...problems];
  for (const [file, places] of without) {
    const lines = linesOfPaths(
      sourceOf(file),
      places.map((place) => problems[place]!.path!),
    );
    for (const [i, place] of places.entries()) lined[place] = { ...problems[place]!, line: lines[i]! };
  }
  return lined;
}
