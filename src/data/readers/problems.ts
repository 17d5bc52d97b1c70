/** Everything that is wrong with a dataset, each thing with the place where it stands. */
import { InputError } from "../../errors.ts";
import { type JsonPath, lineOfPath, pathText } from "./json.ts";

/** Where in a file: a line, or a path into JSON. */
export interface Place {
  file: string;
  line?: number;
  path?: JsonPath;
}

export interface Problem extends Place {
  /** Errors make records unusable; warnings are what an evaluation or training would silently suffer from. */
  severity: "error" | "warning";
  message: string;
}

/** Gathers problems while a dataset is read, so that all are said at once. */
export class Problems {
  readonly list: Problem[] = [];

  error(place: Place, message: string): void {
    this.list.push({ ...place, severity: "error", message });
  }

  warn(place: Place, message: string): void {
    this.list.push({ ...place, severity: "warning", message });
  }

  /** Takes the error of a file's reader as a problem, at the line that its message names. @throws any other error. */
  caught(error: unknown, file: string): void {
    if (!(error instanceof InputError)) throw error;
    const said = error.message.startsWith(`${file}:`) ? error.message.slice(file.length + 1) : ` ${error.message}`;
    const [, line, message] = /^(\d*):? ([\s\S]*)$/.exec(said) ?? [];
    this.error(line ? { file, line: Number(line) } : { file }, message ?? error.message);
  }

  /** @throws InputError that lists the errors, where there are any. */
  refuseErrors(what: string): void {
    const errors = this.list.filter(({ severity }) => severity === "error");
    if (errors.length === 0) return;
    const shown = errors.slice(0, 20).map((problem) => `\n  ${placeText(problem)}: ${problem.message}`);
    const more = errors.length > shown.length ? `\n  and ${errors.length - shown.length} more` : "";
    throw new InputError(`${what} cannot be used, ${errors.length} errors:${shown.join("")}${more}`);
  }
}

/** `file:line`, with the JSON path where there is one. */
export function placeText({ file, line, path }: Place): string {
  return `${file}${line === undefined ? "" : `:${line}`}${path === undefined ? "" : ` ${pathText(path)}`}`;
}

/** Adds the line to problems that only have a JSON path. */
export function withLines(problems: readonly Problem[], sourceOf: (file: string) => string): Problem[] {
  const sources = new Map<string, string>();
  return problems.map((problem) => {
    if (problem.line !== undefined || problem.path === undefined) return problem;
    const source = sources.get(problem.file) ?? sourceOf(problem.file);
    sources.set(problem.file, source);
    return { ...problem, line: lineOfPath(source, problem.path) };
  });
}
