/** Brings an index up to date with the pictures of a folder: new and changed ones are embedded, missing ones removed. */

import { statSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { isPictureName } from "../../data/readers/folders.ts";
import { InputError } from "../../errors.ts";
import { listUnder } from "../../files/walk.ts";
import type { Encoder } from "../classifying/encoder.ts";
import type { IndexedFile, PictureIndex } from "./picture-index.ts";

/** Batch size, progress and signal of an indexing. */
export interface IndexOptions {
  /** Maximum number of pictures computed at once and written together. Default: 16. */
  batch?: number | undefined;
  /** Called with the number of pictures done and the number to do. */
  progress?: (done: number, total: number) => void;
  /** Stops after the current batch. */
  signal?: AbortSignal;
}

/** The result of an indexing. */
export interface IndexedFolder {
  /** Number of pictures embedded. */
  readonly added: number;
  /** Number of pictures that were in the index already. */
  readonly kept: number;
  /** Number of pictures removed from the index because their files are gone. */
  readonly removed: number;
  /** A line for each file that could not be read; it is tried again next time. */
  readonly skipped: readonly string[];
  /** Number of pictures not done because of the signal. */
  readonly left: number;
}

/** The picture files of a folder, and a line for each entry that has the name of a picture but is not a file. */
export interface FolderPictures {
  readonly folder: string;
  readonly files: readonly IndexedFile[];
  readonly skipped: readonly string[];
}

/** Embeds the pictures that are not in the index, batch by batch, and removes pictures whose files are gone. */
export async function indexFolder(
  index: PictureIndex,
  encoder: Encoder,
  found: FolderPictures,
  options: IndexOptions = {},
): Promise<IndexedFolder> {
  const known = new Map((await index.files()).map((file) => [file.path, file]));
  const isKnown = ({ path, bytes, changed }: IndexedFile) =>
    known.get(path)?.bytes === bytes && known.get(path)?.changed === changed;
  const there = new Set(found.files.map(({ path }) => path));
  const above = join(resolve(found.folder), sep);
  const gone = [...known.keys()].filter((path) => path.startsWith(above) && !there.has(path));
  if (gone.length > 0) await index.remove(gone);
  const wanted = found.files.filter((file) => !isKnown(file));
  const { added, skipped, done } = await embedInto(index, encoder, wanted, options);
  return {
    added,
    kept: found.files.length - wanted.length,
    removed: gone.length,
    skipped: [...found.skipped, ...skipped],
    left: wanted.length - done,
  };
}

async function embedInto(
  index: PictureIndex,
  encoder: Encoder,
  wanted: readonly IndexedFile[],
  { batch = 16, progress, signal }: IndexOptions,
) {
  const skipped: string[] = [];
  let [added, done] = [0, 0];
  for (; done < wanted.length && !signal?.aborted; done = Math.min(done + batch, wanted.length)) {
    progress?.(done, wanted.length);
    const files: IndexedFile[] = [];
    const prepared: Float32Array[] = [];
    const unreadable: string[] = [];
    for (const file of wanted.slice(done, done + batch)) {
      try {
        prepared.push(await encoder.prepareImage(file.path));
        files.push(file);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        skipped.push(error.message);
        unreadable.push(file.path);
      }
    }
    const vectors = await encoder.embedPrepared(prepared);
    // A file that was indexed may not be a picture any more.
    await index.remove(unreadable);
    await index.add(files.map((file, i) => ({ ...file, vector: vectors[i]! })));
    added += files.length;
  }
  progress?.(done, wanted.length);
  return { added, skipped, done };
}

/** Lists the pictures of a folder and the folders in it. Throws InputError if it cannot be read or has no pictures. */
export function picturesUnder(folder: string): FolderPictures {
  const facts = statSync(folder, { throwIfNoEntry: false });
  if (!facts?.isDirectory())
    throw new InputError(`${folder}: ${facts ? "is not a folder" : "does not exist"}; name a folder of pictures`);
  const { files, others } = listUnder(folder);
  const names = files.filter(isPictureName).sort();
  if (names.length === 0) throw new InputError(`${folder}: no pictures in this folder; name a folder of pictures`);
  const skipped = others
    .filter(isPictureName)
    .map((name) => `${join(folder, name)} is not a file (a pipe, socket, device or broken link)`);
  const found = names.flatMap((name): IndexedFile[] => {
    const path = resolve(folder, name.split("/").join(sep));
    const file = statSync(path, { throwIfNoEntry: false });
    return file ? [{ path, bytes: file.size, changed: file.mtimeMs }] : [];
  });
  return { folder, files: found, skipped };
}
