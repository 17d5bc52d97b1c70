/** The layout of YOLO sets on disk: pictures in `images/`, label files with the same names in `labels/` or next to them. */
import { existsSync, statSync } from "node:fs";
import { basename, dirname, extname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { fileWithin } from "../../files/read-file.ts";
import { filesUnder } from "../../files/walk.ts";
import { firstExisting, isPictureName, readText } from "./folders.ts";
import type { FoundSet } from "./format-row.ts";
import { splitFolders } from "./splits.ts";
import { isYaml, readYoloYaml, type YoloSplit, yamlIn, yoloRoot } from "./yolo-yaml.ts";

const listNames = ["classes.txt", "labels/classes.txt"];

/** The splits of a folder or a data.yaml. */
export function findYolo(path: string): FoundSet[] {
  const isFile = statSync(path).isFile();
  if (isFile && !isYaml(path)) return [];
  const yaml = isFile ? path : yamlIn(path);
  const root = yoloRoot(path);
  if (!yaml && !firstExisting(path, ["labels", ...listNames])) return [];
  const named = yaml ? readYoloYaml(yaml).splits : [];
  const splits = named.length > 0 ? named : splitsByFolder(root);
  if (splits.length === 0) return [{ path, pictures: [firstExisting(root, ["images"]) ?? root] }];
  return splits.map(({ name, sources }) => ({ path, split: name, pictures: [baseOf(sources)] }));
}

/** `images/train` and `train/images`. */
function splitsByFolder(root: string): YoloSplit[] {
  const inside = splitFolders(join(root, "images")).map((name) => ({ name, sources: [join(root, "images", name)] }));
  const around = splitFolders(root).flatMap((name) => {
    const folder = firstExisting(root, [join(name, "images")]);
    return folder ? [{ name, sources: [folder] }] : [];
  });
  return inside.length > 0 ? inside : around;
}

/** Pictures of a set by their paths in its picture folder, sorted. */
export function yoloPictures({ path, split, pictures }: FoundSet, said?: string): { folder: string; names: string[] } {
  const folder = said ?? pictures[0]!;
  const yaml = isYaml(path) ? path : yamlIn(path);
  const named = yaml && said === undefined ? readYoloYaml(yaml).splits.find(({ name }) => name === split) : undefined;
  const files = (named?.sources ?? [folder]).flatMap((source) => picturesOf(source));
  return { folder, names: [...new Set(files.map((file) => relative(folder, file)))].sort() };
}

/** Pictures in a folder, or listed in a text file, one per line. */
function picturesOf(source: string): string[] {
  if (!statSync(source).isFile())
    return filesUnder(source)
      .filter(isPictureName)
      .map((name) => join(source, name));
  const lines = readText(source).split(/\r?\n/);
  return lines.filter((line) => line.trim() !== "").map((line) => join(dirname(source), line.trim()));
}

/** The label file of a picture: in the nearest `labels/` in the place of `images/`, next to the picture, or in the root's `labels/`. */
export function labelFile(root: string, folder: string, name: string): string | undefined {
  const stem = `${name.slice(0, name.length - extname(name).length)}.txt`;
  for (const labels of labelFolders(root, folder)) {
    const file = existsSync(labels) ? fileWithin(labels, stem) : undefined;
    if (file !== undefined) return file;
  }
  return undefined;
}

/** Possible folders for the label files of a folder of pictures. */
export function labelFolders(root: string, folder: string): string[] {
  const path = folder.split(sep).includes("images") ? folder : resolve(folder);
  const parts = path.split(sep);
  const at = parts.lastIndexOf("images");
  const mirrored = at < 0 ? [] : [parts.with(at, "labels").join(sep)];
  return [...new Set([...mirrored, join(folder), join(root, "labels")])];
}

/** The nearest folder that contains all sources. */
function baseOf(sources: readonly string[]): string {
  const folders = sources.map((source) => (statSync(source).isFile() ? dirname(source) : source));
  let base = folders[0]!;
  while (folders.some((folder) => isOutside(relative(base, folder)))) base = dirname(base);
  return base;
}

function isOutside(path: string): boolean {
  return path === ".." || path.startsWith(`..${sep}`) || isAbsolute(path);
}

/** The list of class names in a folder without data.yaml: `classes.txt`. */
export function classList(root: string): string | undefined {
  return firstExisting(root, listNames);
}

/** Whether a text file has names rather than boxes. */
export function isClassList(name: string): boolean {
  return basename(name) === "classes.txt";
}
