/** Captions without their pictures: text files, lists and COCO's captions. */

import { z } from "zod";
import { InputError } from "../../errors.ts";
import { readTextFile } from "../../files/read-file.ts";

const record = z.looseObject({
  caption: z.string().optional(),
  text: z.string().optional(),
  sentence: z.string().optional(),
  captions: z.array(z.string()).optional(),
});
const coco = z.looseObject({ annotations: z.array(z.looseObject({ caption: z.string() })) });

/**
 * The captions of a file: one per line (.txt); JSON lines with `caption`, `text`, `sentence` or `captions` (.jsonl); a key and a caption, or a key and
 * such a record, separated by a tab (.tsv, also RegionCLIP's); COCO's captions (.json). Throws InputError that names the file and the line.
 */
export function captionTexts(file: string): string[] {
  const text = readTextFile(file);
  const ending = /\.(txt|jsonl|tsv|json)$/i.exec(file)?.[1]?.toLowerCase();
  if (ending === undefined)
    throw new InputError(`${file}: unknown extension; captions are read from .txt, .jsonl, .tsv and COCO's .json`);
  if (ending === "json") return cocoCaptions(text, file);
  const lines = text.split(/\r?\n/);
  const read = ending === "txt" ? (line: string) => [line] : ending === "jsonl" ? captionsOfRecord : captionsOfRow;
  const captions = lines.flatMap((line, i) => (line.trim() === "" ? [] : read(line, `${file}, line ${i + 1}`)));
  if (captions.length > 0) return captions;
  throw new InputError(`${file}: holds no captions`);
}

function captionsOfRecord(line: string, place: string): string[] {
  let raw: unknown;
  try {
    raw = JSON.parse(line);
  } catch (error) {
    throw new InputError(`${place}: not JSON (${error instanceof Error ? error.message : error})`);
  }
  const checked = record.safeParse(raw);
  const { captions, caption, text, sentence } = checked.data ?? {};
  const found = captions ?? [caption ?? text ?? sentence].filter((one) => one !== undefined);
  if (checked.success && found.length > 0) return found;
  throw new InputError(`${place}: has no caption; give "caption", "text", "sentence" or "captions"`);
}

function captionsOfRow(line: string, place: string): string[] {
  const at = line.indexOf("\t");
  if (at < 0) throw new InputError(`${place}: has no tab; write a key and a caption, separated by a tab`);
  const rest = line.slice(at + 1);
  return rest.startsWith("{") ? captionsOfRecord(rest, place) : [rest];
}

function cocoCaptions(text: string, file: string): string[] {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${file}: not JSON (${error instanceof Error ? error.message : error})`);
  }
  const checked = coco.safeParse(raw);
  if (checked.success && checked.data.annotations.length > 0)
    return checked.data.annotations.map(({ caption }) => caption);
  throw new InputError(`${file}: holds no captions; give COCO's captions_*.json`);
}
