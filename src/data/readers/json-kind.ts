/** Finds the format of a JSON file from its first records. */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { basename } from "node:path";
import { InputError } from "../../errors.ts";

export type JsonKind = "coco" | "mdetr" | "captions";

const chunk = 1 << 20;

/**
 * In MDETR's files, captions are fields of images; COCO's captions are annotations with an `image_id`; annotations with only boxes are
 * COCO's. Reads up to the first of these fields. Undefined if there is none.
 * @throws InputError if the file cannot be read.
 */
export function jsonKind(file: string): JsonKind | undefined {
  if (/^captions_\w+\.json$/.test(basename(file))) return "captions";
  let handle: number;
  try {
    if (!statSync(file).isFile()) throw new Error("it is not a regular file; save it to a file");
    handle = openSync(file, "r");
  } catch (error) {
    throw new InputError(`${file}: cannot be read (${error instanceof Error ? error.message : error})`);
  }
  try {
    const bytes = Buffer.alloc(chunk);
    let text = "";
    for (let length = readSync(handle, bytes); length > 0; length = readSync(handle, bytes)) {
      // Keeps the end of the last chunk, where a record may have started.
      text = text.slice(-chunk / 4) + bytes.toString("latin1", 0, length);
      const kind = kindOfText(text);
      if (kind) return kind;
    }
    return undefined;
  } finally {
    closeSync(handle);
  }
}

function kindOfText(text: string): JsonKind | undefined {
  const found = /"(caption|tokens_positive|bbox|segmentation)"\s*:/.exec(text);
  if (!found) return undefined;
  if (found[1] === "tokens_positive") return "mdetr";
  const record = recordAround(text, found.index);
  if (found[1] === "caption") return /"image_id"\s*:/.test(record) ? "captions" : "mdetr";
  return /"tokens_positive"\s*:/.test(record) ? "mdetr" : "coco";
}

/** The record around a position in a text, as far as the text goes. */
function recordAround(text: string, at: number): string {
  let start = at;
  for (let depth = 0; start > 0; start--) {
    if (text[start] === "}") depth++;
    else if (text[start] === "{" && depth-- === 0) break;
  }
  let end = at;
  for (let depth = 0; end < text.length; end++) {
    if (text[end] === "{") depth++;
    else if (text[end] === "}" && depth-- === 0) break;
  }
  return text.slice(start, end + 1);
}
