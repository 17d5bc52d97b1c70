/** Decodes pictures to 8-bit RGB. */
import { stat } from "node:fs/promises";
import sharp from "sharp";
import { InputError } from "../../errors.ts";
import { proxiedFetch } from "../../files/proxied-fetch.ts";
import { readBytes } from "../../files/read-file.ts";
import { bitmapHeader, decodeBitmap, isBitmap } from "./bitmap.ts";
import { addressOf, pathOfAddress } from "./picture-address.ts";
import { MOST_BYTES, MOST_PIXELS, PICTURE_KINDS } from "./picture-file.ts";
import type { Picture } from "./resize.ts";

/** Pixels as they are: gray (1 channel), RGB (3) or RGBA (4), rows without gaps. */
export interface RawPicture {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** A path, the address of a picture file (file:, data:, http:, https:) as text or URL, its bytes, a Blob or File of them, or pixels. */
export type PictureSource = string | URL | Blob | Uint8Array | RawPicture;

export interface DecodeOptions {
  /** Pictures of more pixels are refused before they are decoded. */
  readonly maxPixels?: number;
}

const PATIENCE_MS = 30_000;

/**
 * Decodes a picture to RGB as PIL does: turned as its EXIF says, colour profiles ignored, transparency dropped, 16 bits cut to 8,
 * CMYK by the plain formula, the first frame of several.
 * Throws InputError, which names the picture, for anything that is not one or is too large.
 */
export async function decodePicture(
  source: PictureSource,
  { maxPixels = MOST_PIXELS }: DecodeOptions = {},
): Promise<Picture> {
  if (isRaw(source)) return fromPixels(source, maxPixels);
  const name = nameOf(source);
  const bytes = await bytesOf(source, name);
  return isBitmap(bytes) ? fromBitmap(bytes, name, maxPixels) : decode(bytes, name, maxPixels);
}

function isRaw(source: PictureSource): source is RawPicture {
  return typeof source === "object" && source !== null && "channels" in source;
}

async function fromBitmap(bytes: Uint8Array, name: string, maxPixels: number): Promise<Picture> {
  const { width, height, length } = bitmapHeader(bytes);
  if (width < 1 || height < 1) refuse(name, "is a broken picture (its header gives no size)");
  checkPixels(name, width, height, maxPixels);
  if (bytes.length < length) refuse(name, `is a broken picture (it has ${bytes.length} of ${length} bytes)`);
  return decodeBitmap(bytes).catch((cause) => refuse(name, `is a broken picture (${reason(cause)})`, cause));
}

async function decode(bytes: Uint8Array, name: string, maxPixels: number): Promise<Picture> {
  const options = { limitInputPixels: maxPixels, failOn: "error", ignoreIcc: true } as const;
  const metadata = await sharp(bytes, { ...options, limitInputPixels: false })
    .metadata()
    .catch((cause) => refuse(name, `is no picture that can be read (${reason(cause)})`, cause));
  if (!PICTURE_KINDS.has(metadata.format))
    refuse(name, `is of the kind ${metadata.format}; give a JPEG, PNG, WebP, GIF, TIFF, AVIF or BMP`);
  const { width, pageHeight: height = metadata.height } = metadata;
  checkPixels(name, width, height, maxPixels);
  const decoder = sharp(bytes, { ...options, autoOrient: true });
  const cmyk = metadata.space === "cmyk";
  if (cmyk) decoder.pipelineColourspace("cmyk").toColourspace("cmyk");
  else decoder.removeAlpha().toColourspace("srgb");
  const { data, info } = await decoder
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true })
    .catch((cause) => refuse(name, `is a broken picture (${reason(cause)})`, cause));
  const size = { width: info.width, height: info.height };
  if (cmyk) return { data: fromCmyk(data, info.channels), ...size };
  return { data: toRgb(data, info.channels), ...size };
}

function fromPixels({ data, width, height, channels }: RawPicture, maxPixels: number): Picture {
  const name = `the picture of ${width} × ${height} pixels with ${channels} channels`;
  const whole = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (!whole) refuse(name, "needs a width and a height that are whole and positive");
  if (channels !== 1 && channels !== 3 && channels !== 4) refuse(name, "must have 1, 3 or 4 channels");
  checkPixels(name, width, height, maxPixels);
  const expected = width * height * channels;
  if (data.length !== expected) refuse(name, `must hold ${expected} bytes, not ${data.length}`);
  return { data: toRgb(new Uint8Array(data.buffer, data.byteOffset, data.length), channels), width, height };
}

function checkPixels(name: string, width: number, height: number, maxPixels: number): void {
  if (width * height <= maxPixels) return;
  refuse(
    name,
    `has ${width} × ${height} pixels, more than the limit of ${maxPixels}; make it smaller or raise maxPixels`,
  );
}

async function bytesOf(given: string | URL | Blob | Uint8Array, name: string): Promise<Uint8Array> {
  const source = typeof given === "string" ? (addressOf(given) ?? given) : given;
  if (source instanceof Uint8Array) return source.length > 0 ? source : refuse(name, "is empty");
  if (source instanceof Blob) return blobBytes(source, name);
  if (typeof source === "string") return fileBytes(source, name);
  if (!(source instanceof URL)) refuse(name, "is no picture; give a path, an address, bytes, a Blob or pixels");
  if (source.protocol === "file:") return fileBytes(pathOfAddress(source), name);
  if (source.protocol === "data:" || source.protocol === "http:" || source.protocol === "https:")
    return fetched(source, name);
  return refuse(name, "has an address of an unknown kind; give file:, data:, http: or https:");
}

async function blobBytes(blob: Blob, name: string): Promise<Uint8Array> {
  if (blob.size > MOST_BYTES) refuse(name, `has ${blob.size} bytes, more than the limit of ${MOST_BYTES}`);
  if (blob.size === 0) refuse(name, "is empty");
  return new Uint8Array(await blob.arrayBuffer());
}

async function fileBytes(path: string, name: string): Promise<Uint8Array> {
  if (path.includes("\0")) refuse(name.replaceAll("\0", "\\0"), "is no path: it holds a NUL character");
  const facts = await stat(path).catch((cause) => refuse(name, `cannot be opened (${reason(cause)})`, cause));
  if (!facts.isFile()) refuse(name, "is not a file");
  if (facts.size > MOST_BYTES) refuse(name, `has ${facts.size} bytes, more than the limit of ${MOST_BYTES}`);
  if (facts.size === 0) refuse(name, "is empty");
  return readBytes(path, MOST_BYTES);
}

async function fetched(address: URL, name: string): Promise<Uint8Array> {
  const unreachable = (cause: unknown) => refuse(name, `cannot be fetched (${reason(cause)})`, cause);
  const response = await proxiedFetch(address, { signal: AbortSignal.timeout(PATIENCE_MS) }).catch(unreachable);
  if (!response.ok) refuse(name, `cannot be fetched (the server answered ${response.status})`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > MOST_BYTES) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    unreachable(cause);
  }
  if (size > MOST_BYTES) refuse(name, `has more than the limit of ${MOST_BYTES} bytes`);
  return size > 0 ? Buffer.concat(chunks) : refuse(name, "is empty");
}

/** Pillow's conversion: each ink is taken from what black leaves. */
function fromCmyk(data: Uint8Array, channels: number): Uint8Array {
  const result = new Uint8Array((data.length / channels) * 3);
  for (let out = 0, at = 0; out < result.length; at += channels) {
    const left = 255 - data[at + 3]!;
    for (let ink = 0; ink < 3; ink++) {
      const product = data[at + ink]! * left + 128;
      result[out++] = Math.max(0, left - (((product >> 8) + product) >> 8));
    }
  }
  return result;
}

function toRgb(data: Uint8Array, channels: number): Uint8Array {
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

function nameOf(source: string | URL | Blob | Uint8Array): string {
  if (source instanceof Uint8Array) return `the picture of ${source.length} bytes`;
  if (source instanceof Blob) return source instanceof File ? source.name : `the picture of ${source.size} bytes`;
  const text = String(source);
  return text.length > 200 ? `${text.slice(0, 60)}…` : text;
}

function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const inner = cause.cause instanceof Error ? `: ${cause.cause.message}` : "";
  return `${cause.message}${inner}`.trim().split("\n", 1)[0]!;
}

function refuse(name: string, problem: string, cause?: unknown): never {
  throw new InputError(`${name || "(no name)"} ${problem}`, { cause });
}
