/** Golden evaluations of answers, captions and referring expressions: where they lie. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "..", "..", "..", "shared", "golden", "eval-language");
/** The folder of all sets. */
export const languageFolder = folder;

/** Why tests that need the reference numbers are skipped. */
export const needsLanguage = existsSync(folder)
  ? false
  : "reads ../shared/golden/eval-language, which is not beside this repository";

/** The sets of a kind, such as caption-1 and caption-2, that hold a file. */
export function languageSets(kind: string, file: string): { name: string; read: <T>(file: string) => T }[] {
  if (needsLanguage) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith(`${kind}-`) && existsSync(join(folder, name, file)))
    .map((name) => ({ name, read: (file) => JSON.parse(readFileSync(join(folder, name, file), "utf8")) }));
}
