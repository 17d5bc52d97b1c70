/** Pairs in a list with one pair per line: JSONL, or TSV with the picture's path and its caption. */
import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { isRecord } from "../readers/values.ts";
import { CAPTION_FIELDS, LONGEST_TEXT, type PairOrRefusal, PICTURE_FIELDS, pairsOfFields } from "./pair.ts";

export interface LinesShard {
  readonly kind: "lines";
  readonly key: string;
  readonly file: string;
  /** Bytes [start, end) of the file, and the number of the first line in them. */
  readonly start: number;
  readonly end: number;
  readonly line: number;
}

interface Line {
  /** From 1. */
  readonly number: number;
  /** First byte. */
  readonly start: number;
  /** First byte after its line break. */
  readonly end: number;
  /** Undefined if the line is too long. */
  readonly text: string | undefined;
}

export async function linesShards(root: string, file: string, rows: number): Promise<LinesShard[]> {
  const shards: LinesShard[] = [];
  const stem = file.replace(/\.\w+$/, "");
  let count = 0;
  const header = columnsOf(join(root, file)).header;
  for await (const { number, start, end } of linesOf(join(root, file))) {
    if (header && number === 1) continue;
    const last = shards.at(-1);
    if (last && count % rows !== 0) shards[shards.length - 1] = { ...last, end };
    else {
      const key = `${stem}-${String(shards.length).padStart(5, "0")}`;
      shards.push({ kind: "lines", key, file, start, end, line: number });
    }
    count++;
  }
  return shards;
}

export async function* readLinesShard(
  { file, ...range }: LinesShard,
  { root, images }: { root: string; images: string },
): AsyncGenerator<PairOrRefusal> {
  const path = join(root, file);
  const columns = file.endsWith(".tsv") ? columnsOf(path).columns : undefined;
  for await (const { number, text } of linesOf(path, range)) {
    const place = `${file}:${number}`;
    if (text === undefined)
      yield { reason: "long caption", file: place, detail: `the line has more than ${LONGEST_TEXT} bytes`, pairs: 1 };
    else if (text.trim() !== "") {
      const fields = columns ? fieldsOf(text, columns) : recordOf(text);
      yield* pairsOfFields(fields, place, images);
    }
  }
}

function fieldsOf(text: string, columns: readonly string[]): Record<string, unknown> {
  const values = text.split("\t");
  return Object.fromEntries(columns.map((column, i) => [column, values[i]]));
}

function recordOf(text: string): Record<string, unknown> | undefined {
  try {
    const record: unknown = JSON.parse(text);
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** The columns of a TSV: from its first line if that is a header, otherwise picture, then caption. */
function columnsOf(path: string): { columns: readonly string[]; header: boolean } {
  const unnamed = { columns: [PICTURE_FIELDS[0]!, CAPTION_FIELDS[0]!], header: false };
  if (!path.endsWith(".tsv")) return unnamed;
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(4096);
    const first = bytes.toString("utf8", 0, readSync(file, bytes)).split(/\r?\n/, 1)[0]!;
    const columns = first.split("\t");
    const names = (known: readonly string[]) => columns.some((column) => known.includes(column));
    return names(PICTURE_FIELDS) && names(CAPTION_FIELDS) ? { columns, header: true } : unnamed;
  } finally {
    closeSync(file);
  }
}

/** The lines of a file, or of a range of its bytes. Memory stays bounded for lines of any length. */
async function* linesOf(
  path: string,
  range = { start: 0, end: Number.POSITIVE_INFINITY, line: 1 },
): AsyncGenerator<Line> {
  let number = range.line;
  let start = range.start;
  let at = range.start;
  let parts: Buffer[] = [];
  let held = 0;
  const line = (): Line => {
    const text =
      held > LONGEST_TEXT
        ? undefined
        : Buffer.concat(parts)
            .toString("utf8")
            .replace(/\r?\n$/, "");
    const made = { number: number++, start, end: at, text };
    parts = [];
    held = 0;
    start = at;
    return made;
  };
  const hold = (part: Buffer) => {
    held += part.length;
    at += part.length;
    if (held <= LONGEST_TEXT) parts.push(part);
    else parts = [];
  };
  try {
    for await (const chunk of createReadStream(path, { start: range.start, end: range.end - 1 })) {
      let from = 0;
      for (let to = chunk.indexOf(10); to >= 0; to = chunk.indexOf(10, from)) {
        hold(chunk.subarray(from, to + 1));
        from = to + 1;
        yield line();
      }
      hold(chunk.subarray(from));
    }
  } catch (error) {
    throw new InputError(`${path}: cannot be read (${error instanceof Error ? error.message : error})`);
  }
  if (held > 0) yield line();
}
