/** Splits of datasets, and their names in folders, lists and files. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { entriesOf } from "../../files/walk.ts";

/** The role of a split. */
export type SplitRole = "train" | "valid" | "test";

const roles: Readonly<Record<string, SplitRole>> = {
  train: "train",
  trainval: "train",
  val: "valid",
  valid: "valid",
  validation: "valid",
  minival: "valid",
  mini_val: "valid",
  test: "test",
};

/** The role of a split by its name: `val2017` and `valid` are both for validation. Undefined for other names. */
export function roleOf(split: string): SplitRole | undefined {
  const name = split.toLowerCase().replace(/[-_]?\d*$/, "");
  return Object.hasOwn(roles, name) ? roles[name] : undefined;
}

/** Whether a name refers to a split: its own name, or another of the same role. */
export function isSplitCalled(split: string | undefined, name: string): boolean {
  return split !== undefined && (split === name || (roleOf(name) !== undefined && roleOf(split) === roleOf(name)));
}

/** The split in a file name: `val2017` in `instances_val2017`; the whole name if it has none. */
export function splitOfName(stem: string): string {
  return /(?:^|[_.-])((?:train|val|valid|test|mini_?val)(?:[\d_].*)?)$/i.exec(stem)?.[1] ?? stem;
}

/** The folders of splits in a folder, by name. */
export function splitFolders(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return entriesOf(folder)
    .filter((entry) => !entry.isFile() && roleOf(entry.name) !== undefined)
    .map(({ name }) => name)
    .filter((name) => existsSync(join(folder, name, ".")));
}
