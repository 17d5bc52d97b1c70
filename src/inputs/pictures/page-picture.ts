/** Decodes pictures in a page, by the browser's own decoders. */

import { checkPixels, isRaw, MOST_PIXELS, nameOf, type RawPicture, reason, refuse, rgbOf } from "./picture-source.ts";
import type { Picture } from "./resize.ts";

/** The address of a picture (relative to the page), its bytes, a Blob or File of them, pixels, or what a page shows. */
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
 * Decodes a picture to RGB: turned as its EXIF says, colour profiles ignored, transparency dropped. Lossless pictures give the same pixels
 * as in Node; browsers decode JPEG with other rounding. Throws InputError, which names the picture, for anything that is not one.
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
