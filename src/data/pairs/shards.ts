/** Sources of image–text pairs, split into shards: the unit of labelling, of retries and of resuming. */
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

/** Part of a source. Every process that splits the same files in the same way gets the same shards. */
export type Shard = TarShard | PicturesShard | LinesShard | ParquetShard | CaptionsShard;

export interface PairSource {
  /** Files of shards are relative to this folder. */
  readonly root: string;
  /** Pictures are relative to this folder. */
  readonly images: string;
  readonly shards: readonly Shard[];
}

export interface CutOptions {
  /** Pairs per shard of a list or folder; a tar is one shard. */
  rows: number;
  /** Folder of the pictures that lists name; default: the list's folder. */
  images?: string;
}

/**
 * Splits a source: a WebDataset tar, a list of pictures with captions (JSONL, TSV, Parquet), COCO's captions (captions_*.json), or a folder
 * of tars, of lists, of COCO's captions, or of pictures with texts of the same names. Unreadable parts are reported when their shard is read.
 * @throws InputError if there is nothing to read.
 */
export async function cutSource(source: string, { rows, images }: CutOptions): Promise<PairSource> {
  if (!existsSync(source)) throw new InputError(`${source} does not exist`);
  const isFolder = statSync(source).isDirectory();
  const root = isFolder ? source : dirname(source);
  if (!isFolder && !statSync(source).isFile())
    throw new InputError(`${source}: is not a regular file; save it to a file`);
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
    `${source} contains no image–text pairs; use tars, lists (.jsonl, .tsv, .parquet), captions_*.json, or pictures with .txt files of the same names`,
  );
}

/** The pairs and refusals of a shard. @throws InputError if its file cannot be opened. */
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
    `${join(root, file)} is not a .tar, .jsonl, .tsv or .parquet file, a file of COCO captions or a folder; give one of these`,
  );
}
