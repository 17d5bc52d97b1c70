/** Pairs in a folder: pictures with text files of the same names. */
import { statSync } from "node:fs";
import { extname, join } from "node:path";
import { InputError } from "../../errors.ts";
import { fileWithin, readTextFile } from "../../files/read-file.ts";
import { filesUnder } from "../../files/walk.ts";
import { isPictureName } from "../readers/folders.ts";
import { LONGEST_TEXT, type PairOrRefusal } from "./pair.ts";

export interface PicturesShard {
  readonly kind: "pictures";
  readonly key: string;
  /** Names without endings, from the first to the last in the order of their code units. */
  readonly first: string;
  readonly last: string;
}

/** Files by name without ending, sorted. */
type Stems = ReadonlyMap<string, readonly string[]>;

export function picturesShards(root: string, rows: number): PicturesShard[] {
  const stems = [...stemsOf(root).keys()];
  const count = Math.ceil(stems.length / rows);
  return Array.from({ length: count }, (_, i) => {
    const part = stems.slice(i * rows, (i + 1) * rows);
    return { kind: "pictures", key: `pictures-${String(i).padStart(5, "0")}`, first: part[0]!, last: part.at(-1)! };
  });
}

export async function* readPicturesShard(
  { first, last }: PicturesShard,
  { root }: { root: string },
): AsyncGenerator<PairOrRefusal> {
  for (const [stem, files] of stemsOf(root)) {
    if (stem < first || stem > last) continue;
    const text = files.find((file) => !isPictureName(file));
    const pictures = files.filter(isPictureName);
    if (pictures.length === 0)
      yield { reason: "no picture", file: text!, detail: "a text without a picture", pairs: 1 };
    for (const file of pictures) {
      if (!text) yield { reason: "no caption", file, detail: `there is no ${stem}.txt`, pairs: 1 };
      else if (statSync(join(root, text)).size > LONGEST_TEXT)
        yield { reason: "long caption", file, detail: `${text} has more than ${LONGEST_TEXT} bytes`, pairs: 1 };
      else yield pairWithin(root, file, text);
    }
  }
}

/** A pair of files in the folder, also after links are resolved. */
function pairWithin(root: string, file: string, text: string): PairOrRefusal {
  let reason: "no picture" | "no caption" = "no picture";
  try {
    const picture = fileWithin(root, file) ?? join(root, file);
    reason = "no caption";
    const caption = readTextFile(fileWithin(root, text) ?? join(root, text), LONGEST_TEXT).trim();
    return { file, caption, picture };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { reason, file, detail: error.message, pairs: 1 };
  }
}

/** The file list of the last folder, because its shards are read one after another. */
let known: { root: string; stems: Stems } | undefined;

function stemsOf(root: string): Stems {
  if (known?.root === root) return known.stems;
  const files = filesUnder(root).filter((file) => isPictureName(file) || file.endsWith(".txt"));
  const stems = new Map<string, string[]>();
  for (const file of files.sort()) {
    const stem = file.slice(0, file.length - extname(file).length);
    const found = stems.get(stem);
    if (found) found.push(file);
    else stems.set(stem, [file]);
  }
  // Sorted again: "a-b.png" comes before "a.png", but "a" before "a-b".
  known = { root, stems: new Map([...stems].sort(([a], [b]) => (a < b ? -1 : 1))) };
  return known.stems;
}
