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

/** Collects problems while a dataset is read, to report them all at once. */
export class Problems {
  readonly list: Problem[] = [];

  /** The number of errors. */
  get errors(): number {
    return this.list.filter(({ severity }) => severity === "error").length;
  }

  /** Adds a problem that makes the data unusable. */
  error(place: Place, message: string): void {
    this.list.push({ ...place, severity: "error", message });
  }

  /** Adds a problem that leaves the data usable. */
  warn(place: Place, message: string): void {
    this.list.push({ ...place, severity: "warning", message });
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
    const errors = this.list.filter(({ severity }) => severity === "error");
    if (errors.length === 0) return;
    const shown = errors.slice(0, 20).map((problem) => `\n  ${placeText(problem)}: ${problem.message}`);
    const more = errors.length > shown.length ? `\n  and ${errors.length - shown.length} more` : "";
    throw new InputError(`${what} cannot be used, ${errors.length} errors:${shown.join("")}${more}`);
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
