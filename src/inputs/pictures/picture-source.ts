/** The ways to give a picture, and conversion of pixels to RGB. */

import { InputError } from "../../errors.ts";
import type { Picture } from "./resize.ts";

/** Default limits of a picture. */
export const MOST_PIXELS = 100_000_000;
export const MOST_BYTES = 512 * 2 ** 20;

/** Decoded pixels: gray (1 channel), RGB (3) or RGBA (4), rows without gaps. */
export interface RawPicture {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** A path, the URL of a picture file (file:, data:, http:, https:) as text or URL, its bytes, a Blob or File, or pixels. */
export type PictureSource = string | URL | Blob | Uint8Array | RawPicture;

export interface DecodeOptions {
  /** Pictures of more pixels are refused before they are decoded. */
  readonly maxPixels?: number;
}

/** Decodes a picture, in Node or in a page. */
export type Decode<Source = PictureSource> = (source: Source) => Promise<Picture>;

export function isRaw(source: unknown): source is RawPicture {
  return typeof source === "object" && source !== null && "channels" in source;
}

/** Converts pixels to RGB. Throws InputError if their number does not match their size, or is too large. */
export function rgbOf({ data, width, height, channels }: RawPicture, maxPixels = MOST_PIXELS): Picture {
  const name = `the picture of ${width} × ${height} pixels with ${channels} channels`;
  const whole = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (!whole) refuse(name, "needs a width and a height that are whole and positive");
  if (channels !== 1 && channels !== 3 && channels !== 4) refuse(name, "must have 1, 3 or 4 channels");
  checkPixels(name, width, height, maxPixels);
  const expected = width * height * channels;
  if (data.length !== expected) refuse(name, `must hold ${expected} bytes, not ${data.length}`);
  return { data: toRgb(new Uint8Array(data.buffer, data.byteOffset, data.length), channels), width, height };
}

/** Throws InputError for a picture of too many pixels. */
export function checkPixels(name: string, width: number, height: number, maxPixels: number): void {
  if (width * height <= maxPixels) return;
  refuse(
    name,
    `has ${width} × ${height} pixels, more than the limit of ${maxPixels}; make it smaller or raise maxPixels`,
  );
}

/** Converts pixels with any number of channels to RGB; transparency is dropped. */
export function toRgb(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return data;
  const result = new Uint8Array((data.length / channels) * 3);
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2];
  for (let out = 0, at = 0; out < result.length; at += channels) {
    result[out++] = data[at]!;
    result[out++] = data[at + green]!;
    result[out++] = data[at + blue]!;
  }
  return result;
}

/** The name of a picture in messages. */
export function nameOf(source: string | URL | Blob | Uint8Array): string {
  if (source instanceof Uint8Array) return `the picture of ${source.length} bytes`;
  if (source instanceof Blob) return source instanceof File ? source.name : `the picture of ${source.size} bytes`;
  const text = String(source);
  return text.length > 200 ? `${text.slice(0, 60)}…` : text;
}

/** The first line of an error's message. */
export function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const inner = cause.cause instanceof Error ? `: ${cause.cause.message}` : "";
  return `${cause.message}${inner}`.trim().split("\n", 1)[0]!;
}

/** Throws InputError about a picture. */
export function refuse(name: string, problem: string, cause?: unknown): never {
  throw new InputError(`${name || "(no name)"} ${problem}`, { cause });
}
