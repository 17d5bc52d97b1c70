/** Results of long experiments, one per line, so that an interrupted experiment can continue. */

import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

/** The lines of the file; none if it does not exist. */
export function readResults<T>(file: string): T[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line));
}

/** Appends a line and prints it with a remark. */
export function appendResult(file: string, result: object, remark = ""): void {
  mkdirSync(dirname(file), { recursive: true });
  const line = JSON.stringify(result);
  appendFileSync(file, `${line}\n`);
  console.error(line, remark);
}
