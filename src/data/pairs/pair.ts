/** Pictures with captions and without boxes, such as those of the web, and refusals of input that cannot be used. */
import { join } from "node:path";
import { fileWithin } from "../../files/read-file.ts";

/** One picture with one caption. */
export interface Pair {
  /** Path of the picture, relative to the folder of pictures; in a tar `shard.tar/name.jpg`. */
  readonly file: string;
  readonly caption: string;
  /** Its path, or its bytes if it comes from a tar. */
  readonly picture: string | Uint8Array;
}

/** Why a pair is not labelled. Caption filters add their own reasons. */
export type Reason =
  | "no picture"
  | "no caption"
  | "damaged record"
  | "damaged file"
  | "unreadable picture"
  | "small picture"
  | "long caption"
  | "unreadable caption"
  | "no noun phrase"
  | "duplicate"
  | (string & {});

/** Input that was not labelled. */
export interface Refusal {
  readonly reason: Reason;
  /** The picture's path, or the position in the source. */
  readonly file: string;
  /** An explanation for the user. */
  readonly detail: string;
  /** Number of pairs that it counts for; 0 for a damaged part of a file that cannot be read as pairs. */
  readonly pairs: number;
}

/** The detail of a duplicate. */
export const TWIN = "the same picture with the same caption appeared before";

/** A pair, or the refusal of one. */
export type PairOrRefusal = Pair | Refusal;

export function isRefusal(one: object): one is Refusal {
  return "reason" in one;
}

/** Longest text or line, in bytes, that is read as a caption. */
export const LONGEST_TEXT = 1 << 24;

/** Removes lone surrogates, which JSON allows and other tools cannot read. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\uFFFD");
}

/** Names of the picture and caption columns in lists; the first one present is used. */
export const PICTURE_FIELDS: readonly string[] = ["image", "filename", "file_name", "file", "path", "picture"];
export const CAPTION_FIELDS: readonly string[] = ["caption", "text", "sentence", "captions"];

/** The pairs in a row of a list: one, or one for each text of a list of captions. */
export function pairsOfFields(
  fields: Readonly<Record<string, unknown>> | undefined,
  place: string,
  images: string,
): PairOrRefusal[] {
  if (!fields) return [{ reason: "damaged record", file: place, detail: "the line is not a JSON object", pairs: 1 }];
  const value = (names: readonly string[]) =>
    names.map((name) => fields[name]).find((one) => one !== undefined && one !== null);
  const captions = value(CAPTION_FIELDS);
  const texts = Array.isArray(captions) && captions.length > 0 ? captions : [captions];
  const file = textOf(value(PICTURE_FIELDS));
  return texts.map((text) => pairOf({ file, caption: textOf(text), place, images }));
}

function textOf(value: unknown): string {
  return typeof value === "string" ? wellFormed(value.trim()) : "";
}

interface Row {
  file: string;
  caption: string;
  place: string;
  images: string;
}

function pairOf({ file, caption, place, images }: Row): PairOrRefusal {
  const lacks = (names: readonly string[]) => `the row has none of ${names.join(", ")}`;
  if (file === "") return { reason: "no picture", file: place, detail: lacks(PICTURE_FIELDS), pairs: 1 };
  if (caption === "") return { reason: "no caption", file, detail: `${place}: ${lacks(CAPTION_FIELDS)}`, pairs: 1 };
  if (file.includes("\0"))
    return { reason: "no picture", file: place, detail: "the path contains a NUL character", pairs: 1 };
  try {
    return { file, caption, picture: fileWithin(images, file) ?? join(images, file) };
  } catch (error) {
    return { reason: "no picture", file, detail: error instanceof Error ? error.message : String(error), pairs: 1 };
  }
}
