/** Finds a dataset from its folder or file: its format, its splits and its picture folder. All commands find their data here. */
import { existsSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { InputError } from "../../errors.ts";
import { isFolder } from "../../files/read-file.ts";
import { entriesOf } from "../../files/walk.ts";
import type { Dataset, DatasetImage } from "./dataset.ts";
import { firstExisting } from "./folders.ts";
import { type Format, formats } from "./format-names.ts";
import type { FoundSet, ReadOptions } from "./format-row.ts";
import { formatRows } from "./formats.ts";
import { Problems } from "./problems.ts";
import { isSplitCalled } from "./splits.ts";

/** The options for a dataset on the command line or in a recipe. */
export interface DatasetChoice {
  /** Its format. Default: detected. */
  as?: Format;
  /** The split, if there are several. */
  split?: string;
  /** Folder of its pictures. Default: found near the annotations. */
  images?: string;
}

/** A recognised set with its format. */
export interface DatasetPlace extends FoundSet {
  format: Format;
}

/** What a command needs: boxes of classes or phrases, captions, or anything. */
export type Wanted = "boxes" | "captions" | "anything";

const captionsAlone: readonly Format[] = ["captions", "tars"];

/**
 * All sets at a path in one format: one per split that matches `split`.
 * @throws InputError if there is none, or if several formats match; it names them and how to choose.
 */
export function findSets(path: string, { as, split }: DatasetChoice = {}, wanted: Wanted = "anything"): DatasetPlace[] {
  const facts = statSync(path, { throwIfNoEntry: false });
  if (!facts) throw new InputError(`${path} does not exist`);
  if (!facts.isFile() && !facts.isDirectory())
    throw new InputError(`${path}: cannot be read (it is not a regular file; save it to a file)`);
  const found = as ? setsAs(path, as) : setsAt(path).filter(({ format }) => serves(format, wanted));
  if (found.length === 0) throw new InputError(notFoundText(path, wanted));
  const called = split === undefined ? found : calledSplit(found, split);
  if (called.length === 0) {
    throw new InputError(`${path} has no split ${JSON.stringify(split)}; it has ${listText(path, found)}`);
  }
  if (new Set(called.map(({ format }) => format)).size > 1) {
    throw new InputError(`${path} can be read in several ways: ${listText(path, called)}; choose one with ${ways.as}`);
  }
  return called;
}

/**
 * The only set at a path.
 * @throws InputError as `findSets`, and if there are several splits; it names them.
 */
export function findDataset(path: string, choice: DatasetChoice = {}, wanted: Wanted = "anything"): DatasetPlace {
  const [first, ...more] = findSets(path, choice, wanted);
  if (more.length === 0) return first!;
  const names = [first!, ...more].map(({ split }) => split);
  const how = new Set(names).size === names.length ? ways.split : "by naming the annotation file itself";
  throw new InputError(`${path} contains several datasets: ${listText(path, [first!, ...more])}; choose one ${how}`);
}

const ways = {
  as: "--as FORMAT (in a recipe: as)",
  split: "with --split NAME (in a recipe: split)",
};

export interface OpenedDataset {
  place: DatasetPlace;
  dataset: Dataset;
  /** Names of pictures are relative to this folder. */
  pictures: string;
  problems: Problems;
}

/**
 * Finds and reads a dataset. Errors in its content are added to `problems`.
 * @throws InputError as `findDataset`.
 */
export async function openDataset(
  path: string,
  { subset, shown, ...choice }: DatasetChoice & Pick<ReadOptions, "subset" | "shown"> = {},
  wanted: Wanted = "anything",
): Promise<OpenedDataset> {
  return openSet(findDataset(path, choice, wanted), { ...choice, ...(subset && { subset }), ...(shown && { shown }) });
}

/** Reads a set found before. */
export async function openSet(
  place: DatasetPlace,
  { images, subset, shown, problems = new Problems() }: Partial<ReadOptions> = {},
): Promise<OpenedDataset> {
  const options = { problems, ...(images && { images }), ...(subset && { subset }), ...(shown && { shown }) };
  const dataset = await formatRows[place.format].read(place, options);
  return { place, dataset, pictures: pictureFolder(place, dataset.images, images), problems };
}

/** The folder of a set's pictures: the first candidate that contains one of the first pictures. */
export function pictureFolder(
  { pictures, split, path }: FoundSet,
  images: readonly Pick<DatasetImage, "file">[],
  said?: string,
): string {
  const within = (folder: string) => [folder, join(folder, "images"), ...(split ? [join(folder, split)] : [])];
  const folders = said === undefined ? pictures : within(said);
  const names = images.slice(0, 20).flatMap(({ file }) => (file ? [file, basename(file)] : []));
  const holding = folders.find((folder) => firstExisting(folder, names));
  return holding ?? said ?? folders.find((folder) => existsSync(folder)) ?? path;
}

function serves(format: Format, wanted: Wanted): boolean {
  if (wanted === "boxes") return !captionsAlone.includes(format);
  return wanted === "captions" ? captionsAlone.includes(format) : true;
}

/** The sets of all formats at a path. Tars next to annotations only contain pictures. */
function setsAt(path: string): DatasetPlace[] {
  const all = formats.flatMap((format) => formatRows[format].find(path).map((set) => ({ ...set, format })));
  const others = all.filter(({ format }) => format !== "tars");
  return others.length > 0 ? others : all;
}

/** The sets of the chosen format, even if the path does not look like it. */
function setsAs(path: string, format: Format): DatasetPlace[] {
  const found = formatRows[format].find(path);
  const said = found.length > 0 || isFolder(path) ? found : [{ path, pictures: [join(path, "..")] }];
  return said.map((set) => ({ ...set, format }));
}

/** The sets with exactly this split name, or with its role if none has the name. */
function calledSplit(found: readonly DatasetPlace[], split: string): DatasetPlace[] {
  const exactly = found.filter((set) => set.split === split);
  return exactly.length > 0 ? exactly : found.filter((set) => isSplitCalled(set.split, split));
}

/** "val2017 (coco, annotations/instances_val2017.json), …". */
function listText(path: string, sets: readonly DatasetPlace[]): string {
  const shown = sets.slice(0, 20).map(({ split, format, path: at }) => {
    const place = relative(path, at);
    const what = place === "" ? format : `${format}, ${place}`;
    return split === undefined ? what : `${split} (${what})`;
  });
  return shown.join("; ") + (sets.length > shown.length ? "; …" : "");
}

function notFoundText(path: string, wanted: Wanted): string {
  const kinds = formats.filter((format) => serves(format, wanted)).join(", ");
  const deeper = isFolder(path) ? entriesOf(path).map(({ name }) => join(path, name)) : [];
  const hints = deeper.slice(0, 100).flatMap((at) => {
    const set = isFolder(at) ? likelySet(at, wanted) : undefined;
    return set ? [`${at} (${set.format})`] : [];
  });
  const remedy = hints.length ? `did you mean ${hints.slice(0, 5).join(" or ")}?` : `${howToChoose(path)}`;
  return `${path} is not a dataset in one of the formats ${kinds}; ${remedy}`;
}

/** A set in a folder, for a hint; none if the folder cannot be read. */
function likelySet(folder: string, wanted: Wanted): DatasetPlace | undefined {
  try {
    return setsAt(folder).find(({ format }) => serves(format, wanted));
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

function howToChoose(path: string): string {
  return isFolder(path) ? "give --as FORMAT, or name the annotation file itself" : "give --as FORMAT";
}
