/** JSON from files that are not trusted. */

import type { WeightsError } from "../errors.ts";

/**
 * The members of a JSON object in their order, from valid UTF-8, without a repeated name; `refuse` makes the error from the text of a
 * problem.
 */
export function parseObject(bytes: Uint8Array, refuse: (problem: string) => WeightsError): Map<string, unknown> {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw refuse("is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refuse("is not a JSON object");
  const members = new Map(Object.entries(value));
  if (!isTextOf(value, text) && countMembers(text) !== members.size) throw refuse("gives a name twice");
  return members;
}

/** Whether writing the value gives the text, so that no name of it was lost; quicker than counting, which other spellings need. */
function isTextOf(value: object, text: string): boolean {
  try {
    return text.trimEnd() === JSON.stringify(value);
  } catch {
    // Nested too deeply to be written.
    return false;
  }
}

/** A JSON value in a file's metadata; undefined if it is absent, not JSON or of another form. */
export function jsonIn<Value>(
  metadata: ReadonlyMap<string, string>,
  name: string,
  schema: { parse(value: unknown): Value },
): Value | undefined {
  try {
    return schema.parse(JSON.parse(metadata.get(name) ?? ""));
  } catch {
    return undefined;
  }
}

/** Members of the outermost object of valid JSON: colons outside strings, one level deep. */
function countMembers(text: string): number {
  let depth = 0;
  let members = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '"') {
      for (i++; text[i] !== '"'; i++) if (text[i] === "\\") i++;
    } else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
    else if (character === ":" && depth === 1) members++;
  }
  return members;
}
