/** Pairs of COCO's captions: one JSON file whose annotations are sentences about its images. */
import { statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { InputError } from "../../errors.ts";
import { readCocoCaptions } from "../readers/coco-captions.ts";
import { jsonSets } from "../readers/coco-layouts.ts";
import type { DatasetImage } from "../readers/dataset.ts";
import { pictureFolder } from "../readers/find-dataset.ts";
import { pictureIn } from "../readers/folders.ts";
import { Problems } from "../readers/problems.ts";
import { type PairOrRefusal, wellFormed } from "./pair.ts";

export interface CaptionsShard {
  readonly kind: "captions";
  readonly key: string;
  readonly file: string;
  /** Size of the file. */
  readonly bytes: number;
  /** First image, and how many. */
  readonly start: number;
  readonly rows: number;
}

export interface CaptionsSource {
  root: string;
  images: string;
  shards: CaptionsShard[];
}

/**
 * The captions of a file, or of a folder with one such file; undefined if there is none.
 * @throws InputError if there are several.
 */
export function captionsSource(
  source: string,
  { rows, images: said }: { rows: number; images?: string },
): CaptionsSource | undefined {
  const [set, ...more] = jsonSets(source, "captions");
  if (!set) return undefined;
  if (more.length > 0) {
    const files = [set, ...more].map(({ path }) => path).join(", ");
    throw new InputError(`${source} contains several caption files: ${files}; name one of them`);
  }
  const { path } = set;
  const bytes = statSync(path).size;
  const { images } = captionsOf(path, bytes);
  const stem = basename(path, ".json");
  const count = Math.max(1, Math.ceil(images.length / rows));
  const shards = Array.from({ length: count }, (_, i): CaptionsShard => {
    const key = `${stem}-${String(i).padStart(5, "0")}`;
    const start = i * rows;
    return { kind: "captions", key, file: basename(path), bytes, start, rows: Math.min(rows, images.length - start) };
  });
  return { root: dirname(path), images: pictureFolder(set, images, said), shards };
}

export async function* readCaptionsShard(
  { file, bytes, start, rows }: CaptionsShard,
  { root, images }: { root: string; images: string },
): AsyncGenerator<PairOrRefusal> {
  const path = join(root, file);
  const all = captionsOf(path, bytes);
  if (start === 0) {
    for (const detail of all.damages) yield { reason: "damaged record", file, detail, pairs: 1 };
    const pairs = all.damagedRecords - all.damages.length;
    if (pairs > 0) yield { reason: "damaged record", file, detail: `${pairs} more records are damaged`, pairs };
  }
  for (const { file: name, captions } of all.images.slice(start, start + rows)) {
    if (captions.length === 0)
      yield { reason: "no caption", file: name, detail: `${file} has no caption for this picture`, pairs: 1 };
    const picture = pictureIn(images, name) ?? join(images, name);
    for (const { text } of captions) yield { file: name, caption: wellFormed(text), picture };
  }
}

/** The last file that was read; consecutive shards use the same file. */
let known: Captions | undefined;

interface Captions {
  path: string;
  bytes: number;
  images: DatasetImage[];
  /** What is wrong with the first damaged records. */
  damages: string[];
  damagedRecords: number;
}

function captionsOf(path: string, bytes: number): Captions {
  if (known?.path === path && known.bytes === bytes) return known;
  const problems = new Problems();
  const { images } = readCocoCaptions(path, problems);
  const damages = problems.list.map(({ message }) => message);
  known = { path, bytes, images, damages, damagedRecords: problems.count };
  return known;
}
