/** Image-text tars (WebDataset): a picture and a text of one name, in as many shards as one likes. */
import { createReadStream } from "node:fs";
import { basename, dirname, join } from "node:path";
import { extract } from "tar-stream";
import { InputError } from "../../errors.ts";
import type { Dataset, DatasetImage } from "./dataset.ts";
import { isPictureName, namesIn } from "./folders.ts";
import { pictureSize } from "./picture-size.ts";
import type { Problems } from "./problems.ts";
import { isRecord } from "./values.ts";

/** One picture with its texts, as they lie in a shard. */
export interface ImageText {
  /** Path in the shard without ending. */
  key: string;
  /** Ending of the picture's name, with the dot. */
  ending: string;
  picture: Buffer;
  captions: string[];
}

const largestEntry = 1 << 28;

/** The pairs of a shard, one at a time. @throws InputError naming the shard and the entry that is wrong. */
export async function* readImageTexts(shard: string, problems: Problems): AsyncGenerator<ImageText> {
  const entries = createReadStream(shard).pipe(extract());
  let current: { key: string; ending: string; picture?: Buffer; captions: string[] } | undefined;
  const finish = function* (): Generator<ImageText> {
    if (!current) return;
    const { picture } = current;
    if (picture && current.captions.length) yield { ...current, picture };
    else
      problems.error(
        { file: shard },
        `${current.key} has ${picture ? "a picture but no text" : "a text but no picture"}`,
      );
  };
  try {
    for await (const entry of entries) {
      const { name, type, size = 0 } = entry.header;
      if (type !== "file") {
        entry.resume();
        continue;
      }
      if (size > largestEntry)
        throw new InputError(`${shard}: ${name} says that it is ${size} bytes; pictures are smaller`);
      const dot = name.indexOf(".", name.lastIndexOf("/") + 1);
      const key = dot < 0 ? name : name.slice(0, dot);
      const ending = name.slice(key.length);
      if (current?.key !== key) {
        yield* finish();
        current = { key, ending: "", captions: [] };
      }
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      const bytes = Buffer.concat(chunks);
      if (isPictureName(name)) Object.assign(current, { picture: bytes, ending });
      else if (ending === ".txt") current.captions.push(bytes.toString("utf8").trim());
      else if (ending === ".json")
        current.captions.push(...captionsOfJson(bytes.toString("utf8"), `${shard} ${name}`, problems));
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${shard}: not a tar that can be read (${error instanceof Error ? error.message : error})`);
  }
  yield* finish();
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

/** The shards that a path stands for: itself, or the tars of a folder. */
export function shardsOf(path: string): string[] {
  return path.endsWith(".tar")
    ? [path]
    : namesIn(path, (name) => name.endsWith(".tar")).map((name) => join(path, name));
}

/** Reads texts and picture sizes; what is wrong goes to `problems`. Pictures stay in the shards. */
export async function readTars(path: string, problems: Problems): Promise<Dataset> {
  const images: DatasetImage[] = [];
  const keys = new Set<string>();
  for (const shard of shardsOf(path)) {
    for await (const { key, ending, picture, captions } of readImageTexts(shard, problems)) {
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
  if (images.length === 0) problems.error({ file: path }, `no picture with a text in ${dirname(path)}`);
  return { labels: [], images };
}
