/** Decodes pictures to 8-bit RGB. */
import { stat } from "node:fs/promises";
import { proxiedFetch } from "../../files/proxied-fetch.ts";
import { readBytes } from "../../files/read-file.ts";
import { bitmapHeader, decodeBitmap, isBitmap } from "./bitmap.ts";
import { addressOf, pathOfAddress } from "./picture-address.ts";
import { PICTURE_KINDS } from "./picture-file.ts";
import {
  checkPixels,
  type DecodeOptions,
  isRaw,
  MOST_BYTES,
  MOST_PIXELS,
  nameOf,
  type PictureSource,
  reason,
  refuse,
  rgbOf,
  toRgb,
} from "./picture-source.ts";
import type { Picture } from "./resize.ts";
import { sharp } from "./sharp.ts";

const PATIENCE_MS = 30_000;

/**
 * Decodes a picture to RGB as PIL does: rotated by its EXIF orientation, without colour profiles and transparency, 16 bits truncated to 8,
 * CMYK by the plain formula, the first of several frames. Throws InputError that names the picture if it cannot be decoded or is too large.
 */
export async function decodePicture(
  source: PictureSource,
  { maxPixels = MOST_PIXELS }: DecodeOptions = {},
): Promise<Picture> {
  if (isRaw(source)) return rgbOf(source, maxPixels);
  const name = nameOf(source);
  const bytes = await bytesOf(source, name);
  return isBitmap(bytes) ? fromBitmap(bytes, name, maxPixels) : decode(bytes, name, maxPixels);
}

async function fromBitmap(bytes: Uint8Array, name: string, maxPixels: number): Promise<Picture> {
  const { width, height, length } = bitmapHeader(bytes);
  if (width < 1 || height < 1) refuse(name, "is a damaged picture (its header has no size)");
  checkPixels(name, width, height, maxPixels);
  if (bytes.length < length) refuse(name, `is a damaged picture (it has ${bytes.length} of ${length} bytes)`);
  return decodeBitmap(bytes).catch((cause) => refuse(name, `is a damaged picture (${reason(cause)})`, cause));
}

async function decode(bytes: Uint8Array, name: string, maxPixels: number): Promise<Picture> {
  const options = { limitInputPixels: maxPixels, failOn: "error", ignoreIcc: true } as const;
  const metadata = await sharp(bytes, { ...options, limitInputPixels: false })
    .metadata()
    .catch((cause) => refuse(name, `cannot be read as a picture (${reason(cause)})`, cause));
  if (!PICTURE_KINDS.has(metadata.format))
    refuse(
      name,
      `has the format ${metadata.format}, which is not supported; give a JPEG, PNG, WebP, GIF, TIFF, AVIF or BMP`,
    );
  const { width, pageHeight: height = metadata.height } = metadata;
  checkPixels(name, width, height, maxPixels);
  const decoder = sharp(bytes, { ...options, autoOrient: true });
  const cmyk = metadata.space === "cmyk";
  if (cmyk) decoder.pipelineColourspace("cmyk").toColourspace("cmyk");
  else decoder.removeAlpha().toColourspace("srgb");
  const { data, info } = await decoder
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true })
    .catch((cause) => refuse(name, `is a damaged picture (${reason(cause)})`, cause));
  const size = { width: info.width, height: info.height };
  if (cmyk) return { data: fromCmyk(data, info.channels), ...size };
  return { data: toRgb(data, info.channels), ...size };
}

async function bytesOf(given: string | URL | Blob | Uint8Array, name: string): Promise<Uint8Array> {
  const source = typeof given === "string" ? (addressOf(given) ?? given) : given;
  if (source instanceof Uint8Array) return source.length > 0 ? source : refuse(name, "is empty");
  if (source instanceof Blob) return blobBytes(source, name);
  if (typeof source === "string") return fileBytes(source, name);
  if (!(source instanceof URL)) refuse(name, "is not a picture; give a path, a URL, bytes, a Blob or pixels");
  if (source.protocol === "file:") return fileBytes(pathOfAddress(source), name);
  if (source.protocol === "data:" || source.protocol === "http:" || source.protocol === "https:")
    return fetched(source, name);
  return refuse(name, "has an unknown URL scheme; use file:, data:, http: or https:");
}

async function blobBytes(blob: Blob, name: string): Promise<Uint8Array> {
  if (blob.size > MOST_BYTES)
    refuse(name, `has ${blob.size} bytes, more than the limit of ${MOST_BYTES}; make it smaller`);
  if (blob.size === 0) refuse(name, "is empty");
  return new Uint8Array(await blob.arrayBuffer());
}

async function fileBytes(path: string, name: string): Promise<Uint8Array> {
  if (path.includes("\0")) refuse(name.replaceAll("\0", "\\0"), "cannot be opened (the path contains a NUL character)");
  const facts = await stat(path).catch((cause) => refuse(name, `cannot be opened (${reason(cause)})`, cause));
  if (!facts.isFile()) refuse(name, "is not a file");
  if (facts.size > MOST_BYTES)
    refuse(name, `has ${facts.size} bytes, more than the limit of ${MOST_BYTES}; make it smaller`);
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
  if (size > MOST_BYTES) refuse(name, `has more than the limit of ${MOST_BYTES} bytes; make it smaller`);
  return size > 0 ? Buffer.concat(chunks) : refuse(name, "is empty");
}

/** Pillow's conversion: each ink is subtracted from what black leaves. */
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
