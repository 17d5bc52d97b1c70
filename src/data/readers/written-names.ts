/** Unique names for the pictures and label files of a dataset in one folder. */
import { basename } from "node:path";
import { InputError } from "../../errors.ts";

/**
 * A name for each file: the last part of its path if these differ without extensions, otherwise its path in the common folder.
 * @throws InputError that names files with the same name, and paths outside the folder.
 */
export function writtenNames(files: readonly string[]): string[] {
  const last = files.map((file) => basename(file));
  if (!sameStem(last)) return last;
  const parts = files.map((file) => file.split(/[\\/]/).filter((part) => part !== "" && part !== "."));
  const outside = parts.findIndex((path) => path.includes(".."));
  if (outside >= 0)
    throw new InputError(`${files[outside]}: is outside the picture folder; move or rename the picture`);
  let shared = 0;
  const first = parts[0] ?? [];
  while (parts.every((path) => shared < path.length - 1 && path[shared] === first[shared])) shared++;
  const names = parts.map((path) => path.slice(shared).join("/"));
  const pair = sameStem(names);
  if (!pair) return names;
  const [one, other] = pair.map((place) => files[place]!);
  throw new InputError(
    one === other
      ? `${one} is in the dataset twice, but its boxes are written to one file; remove one of them`
      : `${one} and ${other} differ only in their extensions, so their label files would have the same name; rename one`,
  );
}

/** Indices of two names that differ only in their extension. */
function sameStem(names: readonly string[]): [number, number] | undefined {
  const seen = new Map<string, number>();
  for (const [place, name] of names.entries()) {
    const stem = stemOf(name);
    const before = seen.get(stem);
    if (before !== undefined) return [before, place];
    seen.set(stem, place);
  }
  return undefined;
}

/** A name without its extension. */
export function stemOf(name: string): string {
  return name.replace(/\.[^./]*$/, "");
}
