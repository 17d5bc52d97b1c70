/** Object Detection in the Wild as published: a folder of sets, each with annotations per split. */
import { basename, dirname, join } from "node:path";
import { InputError } from "../../errors.ts";
import { filesUnder } from "../../files/walk.ts";
import { type OdinwSetName, odinw35 } from "./odinw-sets.ts";

export interface OdinwFolder {
  /** Its published name, or the path of its folder joined by underscores. */
  name: string;
  /** Annotations in COCO's format, of the test split if there is one. */
  groundTruth: string;
  /** Its entry in the list, if it is one of the 35. */
  known?: OdinwSetName;
}

/** Names of annotation files, the preferred first; sets with all splits in one folder put the split before the name. */
const annotationNames = ["annotations_without_background.json", "annotations.json", "_annotations.coco.json"];

/** Names of splits in folders or files, the preferred first. Sets without a test split are tested on another (PascalVOC: valid). */
const splits = ["test", "valid", "val", "mini_val", "minival", "", "train"];

/**
 * The sets in a folder, by name.
 * @throws InputError if there are none.
 */
export function odinwFolders(folder: string): OdinwFolder[] {
  const candidates = new Map<string, { file: string; rank: number }>();
  for (const file of filesUnder(folder).sort()) {
    const found = splitOf(file);
    if (!found || found.set === ".") continue;
    const best = candidates.get(found.set);
    if (!best || found.rank < best.rank) candidates.set(found.set, { file, rank: found.rank });
  }
  const taken = new Set<string>();
  const sets = [...candidates].map(([path, { file }]): OdinwFolder => {
    const plain = path.split("/").join("_").replaceAll(" ", "_");
    const known = odinw35.find(({ name }) => `${plain}_`.startsWith(`${name}_`) && !taken.has(name));
    if (known) taken.add(known.name);
    return { name: known?.name ?? plain, groundTruth: join(folder, file), ...(known && { known }) };
  });
  if (sets.length === 0) {
    throw new InputError(
      `${folder} contains no SET/annotations.json and no SET/test/${annotationNames[0]}; for odinw, give a folder of sets`,
    );
  }
  return sets.sort((a, b) => Number(a.name > b.name) - Number(a.name < b.name));
}

/** The folder of a file's set, and the rank of its split and name (lower is better). */
function splitOf(file: string): { set: string; rank: number } | undefined {
  const name = annotationNames.findIndex((known) => basename(file).endsWith(known));
  if (name < 0) return undefined;
  const before = basename(file).slice(0, -annotationNames[name]!.length).replace(/_$/, "");
  const parent = basename(dirname(file));
  const isInSplit = before === "" && splits.includes(parent);
  const split = splits.indexOf(isInSplit ? parent : before);
  if (split < 0) return undefined;
  return { set: isInSplit ? dirname(dirname(file)) : dirname(file), rank: split * annotationNames.length + name };
}
