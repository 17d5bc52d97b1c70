/** Image–text tars (WebDataset): a picture and a text with the same name, in any number of shards. */
import { statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Dataset, DatasetImage } from "./dataset.ts";
import { isPictureName, namesIn } from "./folders.ts";
import type { FoundSet } from "./format-row.ts";
import { pictureSize } from "./picture-size.ts";
import type { Problems } from "./problems.ts";
import { tarEntries, tarEntryBytes } from "./tar-entries.ts";
import { isRecord } from "./values.ts";

/** A picture with its texts in a shard; either may be missing. */
export interface ImageText {
  /** Path in the shard without extension. */
  key: string;
  /** Extension of the picture's name, with the period. */
  ending: string;
  picture?: Buffer;
  captions: string[];
}

const largestEntry = 1 << 28;

/**
 * The pairs of a shard, one at a time; damages are added to `problems`.
 * @throws InputError if the shard cannot be opened.
 */
export function* readImageTexts(shard: string, problems: Problems): Generator<ImageText> {
  let current: ImageText | undefined;
  for (const entry of tarEntries(shard)) {
    if ("damage" in entry) problems.error({ file: shard }, entry.damage);
    const { name } = entry;
    if (name === undefined) continue;
    const dot = name.indexOf(".", name.lastIndexOf("/") + 1);
    const key = dot < 0 ? name : name.slice(0, dot);
    const ending = name.slice(key.length);
    const isPicture = isPictureName(name);
    if (!isPicture && ending !== ".txt" && ending !== ".json") continue;
    if (current?.key !== key) {
      if (current) yield current;
      current = { key, ending: "", captions: [] };
    }
    if ("damage" in entry) continue;
    if (entry.size > largestEntry) {
      problems.error({ file: shard }, `${name} has ${entry.size} bytes, more than the limit of ${largestEntry}`);
      continue;
    }
    const bytes = tarEntryBytes(shard, entry);
    if (isPicture) Object.assign(current, { picture: bytes, ending });
    else if (ending === ".txt") current.captions.push(bytes.toString("utf8").trim());
    else current.captions.push(...captionsOfJson(bytes.toString("utf8"), `${shard} ${name}`, problems));
  }
  if (current) yield current;
}

function captionsOfJson(text: string, file: string, problems: Problems): string[] {
  try {
    const record: unknown = JSON.parse(text);
    const caption = isRecord(record) ? record.caption : undefined;
    return typeof caption === "string" ? [caption] : [];
  } catch {
    problems.error({ file }, "not JSON");
    return [];
  }
}

/** The shards at a path: the file itself, or the tars of a folder. */
function shardsOf(path: string): string[] {
  return path.endsWith(".tar")
    ? [path]
    : namesIn(path, (name) => name.endsWith(".tar")).map((name) => join(path, name));
}

/** A tar, or a folder with tars. */
export function findTars(path: string): FoundSet[] {
  return (statSync(path).isFile() && !path.endsWith(".tar")) || shardsOf(path).length === 0
    ? []
    : [{ path, pictures: [path.endsWith(".tar") ? dirname(path) : path] }];
}

/** Reads texts and picture sizes; errors are added to `problems`. Pictures stay in the shards. */
export async function readTars(path: string, problems: Problems): Promise<Dataset> {
  const images: DatasetImage[] = [];
  const keys = new Set<string>();
  for (const shard of shardsOf(path)) {
    for (const { key, ending, picture, captions } of readImageTexts(shard, problems)) {
      if (!picture || captions.length === 0) {
        problems.error({ file: shard }, `${key} has ${picture ? "a picture but no text" : "a text but no picture"}`);
        continue;
      }
      const id = `${basename(shard)}/${key}`;
      if (keys.has(id)) problems.error({ file: shard }, `${key} occurs twice; keep a picture and its text together`);
      keys.add(id);
      const size = await pictureSize(picture);
      if (!size) problems.error({ file: shard }, `${key}${ending} cannot be read as a picture`);
      const texts = captions.map((text) => ({ text, phrases: [] }));
      images.push({
        id,
        file: id + ending,
        width: size?.width ?? 0,
        height: size?.height ?? 0,
        objects: [],
        captions: texts,
      });
    }
  }
  if (images.length === 0) problems.error({ file: path }, `no picture in ${dirname(path)} has a text`);
  return { labels: [], images };
}
