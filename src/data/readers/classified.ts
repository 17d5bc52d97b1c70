/**
 * Photos with one class each: a folder per class (ImageFolder), or the lists of Tiny ImageNet's tars (`classes.json`, `SPLIT.jsonl`).
 * In both, `classes.json` may tell the English names of WordNet's ids.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { fileWithin, isFolder } from "../../files/read-file.ts";
import { entriesOf, filesUnder } from "../../files/walk.ts";
import { isPictureName } from "./folders.ts";
import { readJson, readJsonLines } from "./json.ts";
import { isRecord } from "./values.ts";

/** Photos of a split and their classes. */
export interface ClassifiedPhotos {
  /** Classes with photos in this split, in the order of their keys. */
  readonly classes: readonly PhotoClass[];
  readonly photos: readonly ClassifiedPhoto[];
}

export interface PhotoClass {
  /** The name of the folder, or the WordNet id. */
  readonly key: string;
  /** The words for it: the first of its names. */
  readonly name: string;
  /** All names, with synonyms. */
  readonly names: readonly string[];
}

export interface ClassifiedPhoto {
  /** Identifies the photo in the dataset. */
  readonly file: string;
  /** Its path; a path into a tar for a photo in one. */
  readonly picture: string;
  /** The key of its class. */
  readonly key: string;
}

/**
 * Reads a split. A folder of class folders without splits is the split "val".
 * @throws InputError that names the file and line if something is missing or malformed.
 */
export async function readClassified(folder: string, split = "val"): Promise<ClassifiedPhotos> {
  if (!isFolder(folder))
    throw new InputError(`${folder}: is not a folder; give a folder with one folder of photos per class`);
  const names = namesIn(join(folder, "classes.json"));
  const list = join(folder, `${split}.jsonl`);
  const photos = existsSync(list) ? await listedPhotos(folder, list, names) : folderPhotos(folder, split);
  if (photos.length === 0) throw new InputError(`${folder}: there are no photos in its class folders`);
  const keys = [...new Set(photos.map(({ key }) => key))].sort();
  const classes = keys.map((key) => {
    const known = names.get(key) ?? [key.replaceAll("_", " ")];
    return { key, name: known[0]!, names: known };
  });
  return { classes, photos };
}

/** The names of each class, or none without a `classes.json`. */
function namesIn(file: string): Map<string, readonly string[]> {
  if (!existsSync(file)) return new Map();
  const json = readJson(file);
  const refuse = (): never => {
    throw new InputError(`${file}: must be a list of { "wnid": "n01443537", "names": ["goldfish"] }`);
  };
  if (!Array.isArray(json)) return refuse();
  return new Map(
    json.map((one: unknown): [string, readonly string[]] => {
      const { wnid, names } = isRecord(one) ? one : {};
      const isName = (name: unknown): name is string => typeof name === "string" && name.trim() !== "";
      const areNames = Array.isArray(names) && names.length > 0 && names.every(isName);
      return typeof wnid === "string" && areNames ? [wnid, names as string[]] : refuse();
    }),
  );
}

async function listedPhotos(folder: string, list: string, names: ReadonlyMap<string, readonly string[]>) {
  const photos: ClassifiedPhoto[] = [];
  const tars = new Map<string, string>();
  for await (const { line, record } of readJsonLines(list)) {
    const { file, tar, wnid } = isRecord(record) ? record : {};
    const refuse = (problem: string): never => {
      throw new InputError(`${list}:${line}: ${problem}`);
    };
    if (typeof file !== "string" || typeof wnid !== "string" || (tar !== undefined && typeof tar !== "string"))
      return refuse("must have file and wnid, and tar if the file is in one");
    if (names.size > 0 && !names.has(wnid)) refuse(`classes.json does not have the class ${wnid}`);
    if (tar === undefined) {
      photos.push({ file, picture: fileWithin(folder, file) ?? refuse(`there is no ${file}`), key: wnid });
      continue;
    }
    const path = tars.get(tar) ?? fileWithin(folder, tar) ?? refuse(`there is no ${tar}`);
    tars.set(tar, path);
    photos.push({ file: `${tar}/${file}`, picture: `${path}/${file}`, key: wnid });
  }
  return photos;
}

function folderPhotos(folder: string, split: string): ClassifiedPhoto[] {
  const own = join(folder, split);
  const hasSplits = isFolder(own);
  if (!hasSplits && split !== "val")
    throw new InputError(`${folder}: has no folder ${split}; a dataset with splits has one folder per split`);
  const root = hasSplits ? own : folder;
  const keys = entriesOf(root)
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => name);
  return keys.flatMap((key) =>
    filesUnder(join(root, key))
      .filter(isPictureName)
      .sort()
      .map((name) => ({ file: `${key}/${name}`, picture: join(root, key, name), key })),
  );
}
