/** Windows bitmaps (BMP), which sharp does not read. */

import { InputError } from "../../errors.ts";
import { optional } from "../../files/optional-package.ts";
import type { Picture } from "./resize.ts";

/** Length of the file header, and of the number after it, which is the length of the next header. */
const FILE_HEADER = 14;
const LEAST = FILE_HEADER + 12;
/** Number of bytes that contain the size of every bitmap. */
export const BITMAP_HEADER = FILE_HEADER + 40;
/** Compressions with rows of full length: none, and bit masks. */
const WHOLE_ROWS = new Set([0, 3, 6]);

interface BitmapHeader {
  readonly width: number;
  readonly height: number;
  /** Minimum length of the file in bytes. */
  readonly length: number;
}

/** Whether bytes start like a bitmap. */
export function isBitmap(bytes: Uint8Array): boolean {
  return (
    bytes.length >= LEAST &&
    bytes[0] === 0x42 &&
    bytes[1] === 0x4d &&
    [12, 40, 52, 56, 64, 108, 124].includes(view(bytes).getUint32(FILE_HEADER, true))
  );
}

/** Size of a bitmap by its header. */
export function bitmapHeader(bytes: Uint8Array): BitmapHeader {
  const header = view(bytes);
  const start = header.getUint32(10, true);
  const old = header.getUint32(FILE_HEADER, true) === 12;
  if (!old && bytes.length < FILE_HEADER + 40) return { width: 0, height: 0, length: Infinity };
  const width = old ? header.getUint16(18, true) : header.getInt32(18, true);
  const height = Math.abs(old ? header.getUint16(20, true) : header.getInt32(22, true));
  const bits = header.getUint16(old ? 24 : 28, true);
  const compression = old ? 0 : header.getUint32(30, true);
  const row = 4 * Math.ceil((width * bits) / 32);
  return { width, height, length: WHOLE_ROWS.has(compression) ? start + row * height : start };
}

/** Decodes a bitmap, whose header is already checked, to RGB. Throws InputError with the decoder's message if it is damaged. */
export async function decodeBitmap(bytes: Uint8Array): Promise<Picture> {
  const { createCanvas, Image } = await optional(() => import("@napi-rs/canvas"), {
    purpose: "decoding BMP files",
    packages: ["@napi-rs/canvas"],
  });
  const image = new Image();
  await new Promise<void>((resolve, reject) => {
    image.onload = () => resolve();
    image.onerror = () => reject(new InputError("the decoder rejects it"));
    image.src = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  });
  const { width, height } = image;
  const context = createCanvas(width, height).getContext("2d");
  context.drawImage(image, 0, 0);
  const { data: pixels } = context.getImageData(0, 0, width, height);
  const data = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; to < data.length; from += 4) {
    data[to++] = pixels[from]!;
    data[to++] = pixels[from + 1]!;
    data[to++] = pixels[from + 2]!;
  }
  return { data, width, height };
}

function view({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
