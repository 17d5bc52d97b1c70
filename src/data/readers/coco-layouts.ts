/** Finds annotation files of one JSON file and their pictures: COCO as published, LVIS, Roboflow's exports, ODinW. */
import { statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isRegularFile } from "../../files/read-file.ts";
import { firstExisting, namesIn } from "./folders.ts";
import type { FoundSet } from "./format-row.ts";
import { type JsonKind, jsonKind } from "./json-kind.ts";
import { splitFolders, splitOfName } from "./splits.ts";

/** Names of annotation files, the preferred first. */
const knownNames = [
  "annotations_without_background.json",
  "annotations.json",
  "instances.json",
  "_annotations.coco.json",
];

/** Files in COCO's folder that have neither boxes nor captions. */
const others = /^(person_keypoints|stuff|panoptic|image_info|densepose)_/;

/** The sets of a kind at a path: the file itself, or files in the folder, in its `annotations/` and in the folders of its splits. */
export function jsonSets(path: string, kind: JsonKind): FoundSet[] {
  if (statSync(path).isFile()) {
    // A file without a box or caption may still be an annotation file.
    return path.endsWith(".json") && (jsonKind(path) ?? "coco") === kind ? [setOf(path)] : [];
  }
  const known = firstExisting(path, knownNames);
  if (known) return jsonKindOr(known) === kind ? [setOf(known)] : [];
  const splits = splitFolders(path).flatMap((split) => {
    const file = firstExisting(join(path, split), knownNames);
    return file && jsonKindOr(file) === kind ? [{ ...setOf(file), split }] : [];
  });
  const files = ["annotations", "."].flatMap((folder) =>
    namesIn(join(path, folder), (name) => name.endsWith(".json") && !others.test(name)).map((name) =>
      join(path, folder, name),
    ),
  );
  return [...splits, ...files.filter((file) => isRegularFile(file) && jsonKind(file) === kind).map(setOf)];
}

function jsonKindOr(file: string): JsonKind {
  return jsonKind(file) ?? "coco";
}

function setOf(path: string): FoundSet {
  const split = splitOfName(basename(path, ".json"));
  return { path, split, pictures: pictureFolders(path, split) };
}

/** `images/` and folders with the split's name, next to the file or next to its folder `annotations/`. */
function pictureFolders(file: string, split: string): string[] {
  const folder = dirname(file);
  const around = (root: string) => [join(root, split), join(root, "images", split), join(root, "images")];
  const beside = ["images", "flickr30k-images", "JPEGImages"].map((name) => join(folder, name));
  if (!/^annotations?$/i.test(basename(folder))) return [...beside, ...around(folder), folder];
  const root = dirname(folder);
  return [...around(root), root, ...beside, folder];
}
