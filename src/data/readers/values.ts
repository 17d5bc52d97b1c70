/** Checks of values read from a file. */
import type { JsonPath } from "./json.ts";
import type { Problems } from "./problems.ts";

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

export function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isNumber);
}

/** Ids of images are numbers or strings. */
export function isId(value: unknown): value is number | string {
  return typeof value === "string" || isNumber(value);
}

/** Ranges [start, end] of a text. */
export function isSpans(value: unknown, text: string): value is [number, number][] {
  const isSpan = (span: unknown) =>
    isNumbers(span) && span.length === 2 && span[0]! >= 0 && span[0]! < span[1]! && span[1]! <= text.length;
  return Array.isArray(value) && value.every(isSpan);
}

/** The list under a name in a record; another value is reported and read as an empty list. */
export function listIn(
  value: unknown,
  name: string,
  { file, problems, path = [] }: { file: string; problems: Problems; path?: JsonPath },
): unknown[] {
  const list = isRecord(value) ? value[name] : undefined;
  if (Array.isArray(list)) return list;
  problems.error({ file, path: [...path, name] }, "must be a list");
  return [];
}
