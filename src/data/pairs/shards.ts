/** Sources of image–text pairs, cut into shards: the unit of labelling, of retries and of resuming. */
import { existsSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { InputError } from "../../errors.ts";
import { filesUnder } from "../../files/walk.ts";
import { type CaptionsShard, captionsSource, readCaptionsShard } from "./captions.ts";
import { type PicturesShard, picturesShards, readPicturesShard } from "./folder.ts";
import { type LinesShard, linesShards, readLinesShard } from "./lines.ts";
import type { PairOrRefusal } from "./pair.ts";
import { type ParquetShard, parquetShards, readParquetShard } from "./parquet.ts";
import { readTarShard, type TarShard, tarShard } from "./tar.ts";

/** Part of a source. Every process that cuts the same files in the same way gets the same shards. */
export type Shard = TarShard | PicturesShard | LinesShard | ParquetShard | CaptionsShard;

export interface PairSource {
  /** Folder to which the files of shards are relative. */
  readonly root: string;
  /** Folder to which the pictures are relative. */
  readonly images: string;
  readonly shards: readonly Shard[];
}

export interface CutOptions {
  /** Pairs of a shard of lists and folders; a tar is one shard. */
  rows: number;
  /** Folder of the pictures that lists name; the list's own unless told. */
  images?: string;
}

/**
 * Cuts a source: a WebDataset tar, a list of pictures with captions (JSONL, TSV, Parquet), COCO's captions (captions_*.json), or a folder
 * of tars, of lists, of COCO's captions, or of pictures with texts of the same names. What cannot be read within it is told of when its shard is. @throws InputError where there is nothing to read.
 */
export async function cutSource(source: string, { rows, images }: CutOptions): Promise<PairSource> {
  if (!existsSync(source)) throw new InputError(`${source} does not exist`);
  const isFolder = statSync(source).isDirectory();
  const root = isFolder ? source : dirname(source);
  if (!isFolder && !statSync(source).isFile()) throw new InputError(`${source}: is no regular file; save it as one`);
  if (source.endsWith(".json")) {
    const captions = captionsSource(source, { rows, ...(images !== undefined && { images }) });
    if (captions) return captions;
  }
  const all = isFolder ? filesUnder(root).sort() : [];
  const list = (ending: RegExp) => all.filter((file) => ending.test(file));
  const files = isFolder ? [...list(/\.tar$/), ...list(/\.(jsonl|tsv|parquet)$/)] : [basename(source)];
  const shards: Shard[] = [];
  for (const file of files) for (const shard of await shardsOfFile(root, file, rows)) shards.push(shard);
  if (isFolder && files.length === 0) {
    const captions = captionsSource(source, { rows, ...(images !== undefined && { images }) });
    if (captions) return captions;
    for (const shard of picturesShards(root, rows)) shards.push(shard);
  }
  if (shards.length > 0) return { root, images: images ?? root, shards };
  throw new InputError(
    `${source} holds no image–text pairs; give tars, lists (.jsonl, .tsv, .parquet), captions_*.json or pictures with .txt files of the same names`,
  );
}

/** What a shard holds, pair by pair. @throws InputError where its file cannot be opened. */
export function readShard(shard: Shard, source: Pick<PairSource, "root" | "images">): AsyncIterable<PairOrRefusal> {
  switch (shard.kind) {
    case "tar":
      return readTarShard(shard, source);
    case "pictures":
      return readPicturesShard(shard, source);
    case "lines":
      return readLinesShard(shard, source);
    case "captions":
      return readCaptionsShard(shard, source);
    case "parquet":
      return readParquetShard(shard, source);
  }
}

async function shardsOfFile(root: string, file: string, rows: number): Promise<Shard[]> {
  const bytes = statSync(join(root, file)).size;
  if (file.endsWith(".tar")) return [tarShard(file, bytes)];
  if (file.endsWith(".parquet")) return parquetShards(root, file, { bytes, rows });
  if (/\.(jsonl|tsv)$/.test(file)) return linesShards(root, file, rows);
  throw new InputError(
    `${join(root, file)} is no .tar, .jsonl, .tsv or .parquet file, no file of COCO captions and no folder`,
  );
}
