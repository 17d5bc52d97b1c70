/** Decodes pictures in a page with the browser's decoders. */

import { checkPixels, isRaw, MOST_PIXELS, nameOf, type RawPicture, reason, refuse, rgbOf } from "./picture-source.ts";
import type { Picture } from "./resize.ts";

/** The URL of a picture (relative to the page), its bytes, a Blob or File, pixels, or an element of the page. */
export type PagePicture =
  | string
  | URL
  | Blob
  | Uint8Array<ArrayBuffer>
  | RawPicture
  | ImageData
  | ImageBitmap
  | HTMLImageElement
  | HTMLCanvasElement
  | HTMLVideoElement
  | OffscreenCanvas;

/**
 * Decodes a picture to RGB: rotated by its EXIF orientation, without colour profiles and transparency. Lossless pictures give the same
 * pixels as in Node; browsers decode JPEG with other rounding. Throws InputError that names the picture if it cannot be decoded.
 */
export async function decodePagePicture(source: PagePicture): Promise<Picture> {
  if (isRaw(source)) return rgbOf(source);
  if (source instanceof ImageData) return fromImageData(source);
  const name = isEncoded(source) ? nameOf(source) : "the picture";
  const bitmap = await bitmapOf(source, name).catch((cause) =>
    refuse(name, `cannot be read as a picture (${reason(cause)})`, cause),
  );
  try {
    const { width, height } = bitmap;
    checkPixels(name, width, height, MOST_PIXELS);
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
    context.drawImage(bitmap, 0, 0);
    return fromImageData(context.getImageData(0, 0, width, height));
  } catch (cause) {
    return refuse(name, `cannot be read (${reason(cause)}); serve it from the page's own host, or with CORS`, cause);
  } finally {
    bitmap.close();
  }
}

function fromImageData({ data, width, height }: ImageData): Picture {
  return rgbOf({ data: new Uint8Array(data.buffer, data.byteOffset, data.length), width, height, channels: 4 });
}

type Encoded = string | URL | Blob | Uint8Array<ArrayBuffer>;

function isEncoded(source: unknown): source is Encoded {
  return typeof source === "string" || source instanceof URL || source instanceof Blob || source instanceof Uint8Array;
}

async function bitmapOf(source: Exclude<PagePicture, RawPicture>, name: string): Promise<ImageBitmap> {
  if (typeof HTMLImageElement === "function" && source instanceof HTMLImageElement) await source.decode();
  const image = isEncoded(source) ? await blobOf(source, name) : source;
  return createImageBitmap(image, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
}

async function blobOf(source: Encoded, name: string): Promise<Blob> {
  if (source instanceof Blob) return source;
  if (source instanceof Uint8Array) return new Blob([source]);
  const response = await fetch(source);
  return response.ok ? response.blob() : refuse(name, `cannot be fetched (the server answered ${response.status})`);
}
