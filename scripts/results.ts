/** Results of long experiments, one a line, so that an interrupted one goes on where it was. */

import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

/** What is in the file; nothing where there is none yet. */
export function readResults<T>(file: string): T[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line));
}

/** Adds a line, and tells it with what else there is to say. */
export function appendResult(file: string, result: object, remark = ""): void {
  mkdirSync(dirname(file), { recursive: true });
  const line = JSON.stringify(result);
  appendFileSync(file, `${line}\n`);
  console.error(line, remark);
}
