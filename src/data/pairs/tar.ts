/** Pairs in a WebDataset tar: a picture and a text of the same name. */
import { join } from "node:path";
import { Problems } from "../readers/problems.ts";
import { readImageTexts } from "../readers/tars.ts";
import { type PairOrRefusal, wellFormed } from "./pair.ts";

export interface TarShard {
  readonly kind: "tar";
  readonly key: string;
  readonly file: string;
  /** Size of the tar, so that a replaced file counts as another shard. */
  readonly bytes: number;
}

export function tarShard(file: string, bytes: number): TarShard {
  return { kind: "tar", key: file.replace(/\.tar$/, ""), file, bytes };
}

export async function* readTarShard({ file }: TarShard, { root }: { root: string }): AsyncGenerator<PairOrRefusal> {
  const problems = new Problems();
  const damage = function* (): Generator<PairOrRefusal> {
    for (const { message } of problems.take()) yield { reason: "damaged file", file, detail: message, pairs: 0 };
  };
  for (const { key, ending, picture, captions } of readImageTexts(join(root, file), problems)) {
    yield* damage();
    const path = `${file}/${key}${ending}`;
    if (!picture) yield { reason: "no picture", file: path, detail: "a text without a picture", pairs: 1 };
    else if (captions.length === 0)
      yield { reason: "no caption", file: path, detail: "a picture without a text", pairs: 1 };
    // A .json next to a .txt usually repeats the caption.
    else for (const caption of new Set(captions)) yield { file: path, caption: wellFormed(caption), picture };
  }
  yield* damage();
}
