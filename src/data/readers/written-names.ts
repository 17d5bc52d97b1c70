/** Names under which the pictures and texts of a dataset are written into one folder, none of which takes another's place. */
import { basename } from "node:path";
import { InputError } from "../../errors.ts";

/**
 * A name for each file: its last name where these differ without their endings, else its path in the folder that all share.
 * @throws InputError that names the files that would take each other's place, and paths that lead elsewhere.
 */
export function writtenNames(files: readonly string[]): string[] {
  const last = files.map((file) => basename(file));
  if (!twin(last)) return last;
  const parts = files.map((file) => file.split(/[\\/]/).filter((part) => part !== "" && part !== "."));
  const wild = parts.findIndex((path) => path.includes(".."));
  if (wild >= 0) throw new InputError(`${files[wild]}: is outside the picture folder; move or rename the picture`);
  let shared = 0;
  const first = parts[0] ?? [];
  while (parts.every((path) => shared < path.length - 1 && path[shared] === first[shared])) shared++;
  const names = parts.map((path) => path.slice(shared).join("/"));
  const pair = twin(names);
  if (!pair) return names;
  const [one, other] = pair.map((place) => files[place]!);
  throw new InputError(
    one === other
      ? `${one} is in the dataset twice, but its boxes are written to one file; remove one of them`
      : `${one} and ${other} differ only in their extensions, so their label files would have the same name; rename one`,
  );
}

/** Two places that hold the same name but for its ending. */
function twin(names: readonly string[]): [number, number] | undefined {
  const seen = new Map<string, number>();
  for (const [place, name] of names.entries()) {
    const stem = stemOf(name);
    const before = seen.get(stem);
    if (before !== undefined) return [before, place];
    seen.set(stem, place);
  }
  return undefined;
}

/** A name without its ending. */
export function stemOf(name: string): string {
  return name.replace(/\.[^./]*$/, "");
}
