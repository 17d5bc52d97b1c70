/** Picture files, checked by their headers before decoding. */

import { statSync } from "node:fs";
import { InputError } from "../../errors.ts";
import { readBytes, readStart } from "../../files/read-file.ts";
import { BITMAP_HEADER, bitmapHeader, isBitmap } from "./bitmap.ts";
import { MOST_BYTES, MOST_PIXELS } from "./picture-source.ts";
import { sharp } from "./sharp.ts";

/** Supported formats. SVG and PDF are programs rather than pictures, and may refer to other files. */
export const PICTURE_KINDS: ReadonlySet<string> = new Set(["jpeg", "png", "webp", "gif", "tiff", "heif", "jp2", "jxl"]);

export interface PictureFacts {
  /** Sharp's name of the format. */
  readonly kind: string;
  /** Size in stored pixels. */
  readonly width: number;
  readonly height: number;
}

/**
 * The format and size in the header of a picture, given as bytes or as the path of a regular file.
 * @throws InputError if it cannot be read as a picture, or exceeds the limits.
 */
export async function pictureFacts(source: string | Uint8Array, name: string): Promise<PictureFacts> {
  const start = typeof source === "string" ? readStart(source, BITMAP_HEADER) : source;
  return withinLimit(isBitmap(start) ? bitmapFacts(start, name) : await sharpFacts(source, name), name);
}

function bitmapFacts(start: Uint8Array, name: string): PictureFacts {
  const { width, height } = bitmapHeader(start);
  if (width > 0 && height > 0) return { kind: "bmp", width, height };
  throw new InputError(`${name}: is a damaged picture (its header has no size)`);
}

async function sharpFacts(source: string | Uint8Array, name: string): Promise<PictureFacts> {
  const { format, width, height, pageHeight } = await sharp(source, { limitInputPixels: false })
    .metadata()
    .catch((error: Error) => {
      throw new InputError(`${name}: cannot be read as a picture (${error.message.split("\n", 1)[0]})`);
    });
  if (!PICTURE_KINDS.has(format))
    throw new InputError(
      `${name}: has the format ${format}, which is not supported; give a JPEG, PNG, WebP, GIF, TIFF, AVIF or BMP`,
    );
  return { kind: format, width, height: pageHeight ?? height };
}

function withinLimit(facts: PictureFacts, name: string): PictureFacts {
  if (facts.width * facts.height <= MOST_PIXELS) return facts;
  throw new InputError(
    `${name}: has ${facts.width} × ${facts.height} pixels, more than the limit of ${MOST_PIXELS}; make it smaller`,
  );
}

/**
 * The format and size of a picture file, without reading the rest.
 * @throws InputError as `pictureFacts`, and if it is not a regular file.
 */
export async function pictureFileFacts(file: string): Promise<PictureFacts> {
  const facts = statSync(file, { throwIfNoEntry: false });
  if (!facts?.isFile()) throw new InputError(`${file}: is not a regular file; save it to a file`);
  if (facts.size > MOST_BYTES)
    throw new InputError(`${file}: has ${facts.size} bytes, more than the limit of ${MOST_BYTES}; make it smaller`);
  return pictureFacts(file, file);
}

/**
 * The bytes of a picture file with its format and size.
 * @throws InputError if it is not a regular file, not a picture, or too large.
 */
export async function readPictureFile(file: string): Promise<PictureFacts & { bytes: Buffer }> {
  const bytes = readBytes(file, MOST_BYTES);
  return { bytes, ...(await pictureFacts(bytes, file)) };
}
