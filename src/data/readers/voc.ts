/**
 * Pascal VOC: an XML file per picture, in `Annotations/` or next to the pictures. Labels are names; corners are counted from 1, with
 * inclusive ends.
 */
import { existsSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { InputError } from "../../errors.ts";
import { fileWithin } from "../../files/read-file.ts";
import { filesUnder } from "../../files/walk.ts";
import { checkBox } from "./box-checks.ts";
import { type Dataset, type DatasetImage, type DatasetLabel, isInRange, type Xywh } from "./dataset.ts";
import { firstExisting, isPictureName, namesIn, readText } from "./folders.ts";
import type { FoundSet, ReadOptions } from "./format-row.ts";
import type { Problems } from "./problems.ts";
import { roleOf, splitFolders } from "./splits.ts";
import { stemOf } from "./written-names.ts";
import { childrenOf, numberIn, parseXml, type XmlElement } from "./xml.ts";

const lists = join("ImageSets", "Main");

/** VOC's folder with its splits, folders of splits, or a folder of pictures with XML files of the same names. */
export function findVoc(path: string): FoundSet[] {
  if (!statSync(path).isDirectory()) return [];
  const own = setsIn(path);
  if (own.length > 0) return own;
  return splitFolders(path).flatMap((split) => setsIn(join(path, split)).map((set) => ({ ...set, split })));
}

function setsIn(folder: string): FoundSet[] {
  if (existsSync(join(folder, "Annotations"))) {
    if (existsSync(join(folder, "Sentences"))) return [];
    const pictures = [firstExisting(folder, ["JPEGImages", "images"]) ?? folder];
    const isList = (name: string) => name.endsWith(".txt") && roleOf(name.slice(0, -4)) !== undefined;
    const splits = namesIn(join(folder, lists), isList).map((name) => name.slice(0, -4));
    return splits.length > 0
      ? splits.map((split) => ({ path: folder, split, pictures }))
      : [{ path: folder, pictures }];
  }
  const [first] = namesIn(folder, (name) => name.endsWith(".xml"));
  return first && /<annotation[\s>]/.test(readText(join(folder, first)).slice(0, 4096))
    ? [{ path: folder, pictures: [folder] }]
    : [];
}

/** Reads a set; errors are added to `problems`. Labels are numbered from 1 by name; objects marked as difficult count as crowds. */
export function readVoc({ path, split, pictures }: FoundSet, { problems, images: said, shown }: ReadOptions): Dataset {
  const folder = firstExisting(path, ["Annotations"]) ?? path;
  const read: { image: DatasetImage; names: string[] }[] = [];
  const nameOf = pictureNames(said ?? pictures[0]!);
  const files = xmlFiles({ path, folder, split }, problems);
  for (const [place, name] of files.entries()) {
    if (shown && !isInRange(place, shown)) continue;
    const file = join(folder, name);
    try {
      const one = readImage(parseXml(readText(fileWithin(folder, name) ?? file), file), {
        file,
        problems,
        id: name.slice(0, -4),
      });
      read.push({ ...one, image: { ...one.image, file: nameOf(name.slice(0, -4), one.image.file) } });
    } catch (error) {
      problems.caught(error, file);
    }
  }
  const others = shown ? [] : namesInOtherSplits(path, split, new Set(files.map((name) => join(folder, name))));
  const names = [...new Set([...read.flatMap((image) => image.names), ...others])].sort();
  const labels: DatasetLabel[] = names.map((name, index) => ({ id: index + 1, name }));
  const ids = new Map(labels.map(({ id, name }) => [name, id]));
  for (const { image, names } of read) {
    image.objects.forEach((object, place) => {
      object.label = ids.get(names[place]!)!;
    });
  }
  return { labels, images: read.map(({ image }) => image) };
}

/** Names in the other splits, so that a class has the same number in all splits. Errors in them are reported when they are read. */
function namesInOtherSplits(path: string, split: string | undefined, read: ReadonlySet<string>): string[] {
  if (split === undefined) return [];
  const own = firstExisting(path, [lists])
    ? [path]
    : splitFolders(dirname(path)).map((name) => join(dirname(path), name));
  return own.flatMap((place) => {
    const folder = firstExisting(place, ["Annotations"]) ?? place;
    const files = allXml(folder).filter((name) => !read.has(join(folder, name)));
    return files.flatMap((name) => {
      try {
        const root = parseXml(readText(fileWithin(folder, name) ?? join(folder, name)), name);
        return childrenOf(root, "object").flatMap((object) => childrenOf(object, "name")[0]?.text.trim() || []);
      } catch (error) {
        if (error instanceof InputError) return [];
        throw error;
      }
    });
  });
}

function allXml(folder: string): string[] {
  const files = basename(folder) === "Annotations" ? filesUnder(folder) : namesIn(folder, () => true);
  return files.filter((name) => name.endsWith(".xml")).sort();
}

/** The XML files of a set: all, or those in the list of its split. */
function xmlFiles(
  { path, folder, split }: { path: string; folder: string; split: string | undefined },
  problems: Problems,
): string[] {
  const all = allXml(folder);
  const list = split === undefined ? undefined : firstExisting(path, [join(lists, `${split}.txt`)]);
  if (!list) return all;
  const known = new Set(all);
  return readText(list)
    .split(/\r?\n/)
    .flatMap((text, line) => {
      const stem = text.trim().split(/\s+/)[0]!;
      if (stem === "") return [];
      if (known.has(`${stem}.xml`)) return [`${stem}.xml`];
      problems.error({ file: list, line: line + 1 }, `there is no ${join(folder, stem)}.xml`);
      return [];
    });
}

/** The picture of an XML file: by the name in it, or else by the file's own name, because tools may rename only one of the two. */
function pictureNames(folder: string): (stem: string, said: string) => string {
  const known = new Map<string, Map<string, string>>();
  return (stem, said) => {
    const deeper = dirname(stem);
    const beside = join(deeper, said);
    if (existsSync(join(folder, beside)) || existsSync(join(folder, said)))
      return existsSync(join(folder, beside)) ? beside : said;
    const stems = known.get(deeper) ?? picturesByStem(join(folder, deeper));
    known.set(deeper, stems);
    const own = stems.get(basename(stem));
    return own === undefined ? beside : join(deeper, own);
  };
}

function picturesByStem(folder: string): Map<string, string> {
  return new Map(namesIn(folder, isPictureName).map((name) => [stemOf(name), name]));
}

function readImage(
  root: XmlElement,
  { file, problems, id }: { file: string; problems: Problems; id: string },
): { image: DatasetImage; names: string[] } {
  const size = childrenOf(root, "size")[0];
  if (!size) throw new InputError(`${file}:${root.line}: there is no <size>`);
  const image: DatasetImage = {
    id,
    file: childrenOf(root, "filename")[0]?.text.trim() || `${basename(id)}.jpg`,
    width: numberIn(size, "width", file),
    height: numberIn(size, "height", file),
    objects: [],
    captions: [],
  };
  const names: string[] = [];
  for (const object of childrenOf(root, "object")) {
    const place = { file, line: object.line };
    const name = childrenOf(object, "name")[0]?.text.trim();
    const box = childrenOf(object, "bndbox")[0];
    if (!name || !box) {
      problems.error(place, "an object needs <name> and <bndbox>");
      continue;
    }
    try {
      const [left, top, right, bottom] = ["xmin", "ymin", "xmax", "ymax"].map((side) => numberIn(box, side, file));
      const xywh: Xywh = [left! - 1, top! - 1, right! - left! + 1, bottom! - top! + 1];
      checkBox(xywh, image, { problems, place });
      const isCrowd = childrenOf(object, "difficult")[0]?.text.trim() === "1";
      image.objects.push({ xywh, area: xywh[2] * xywh[3], isCrowd });
      names.push(name);
    } catch (error) {
      problems.caught(error, file);
    }
  }
  return { image, names };
}
