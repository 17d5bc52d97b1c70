/** Draws the pictures that a search found on one sheet, best first. */

import { basename } from "node:path";
import { createCanvas, loadImage, type SKRSContext2D } from "@napi-rs/canvas";
import sharp from "sharp";
import { InputError } from "../../errors.ts";
import { decodePicture } from "../../inputs/pictures/picture.ts";
import type { FoundPicture } from "../../tasks/searching/picture-index.ts";

const CELL = 224;
const LINE = 22;
const COLUMNS = 5;
/** More pictures do not fit on a canvas. */
const MOST = 500;

/** The bytes of a PNG with at most 500 pictures; a picture that cannot be read leaves an empty place. */
export async function contactSheet(found: readonly FoundPicture[]): Promise<Uint8Array> {
  const shown = found.slice(0, MOST);
  const columns = Math.max(1, Math.min(COLUMNS, shown.length));
  const rows = Math.max(1, Math.ceil(shown.length / columns));
  const canvas = createCanvas(columns * CELL, rows * (CELL + LINE));
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  for (const [i, picture] of shown.entries()) {
    const [x, y] = [(i % columns) * CELL, Math.floor(i / columns) * (CELL + LINE)];
    await drawPicture(context, picture, x, y);
    context.fillStyle = "black";
    context.font = "12px sans-serif";
    const words = `${i + 1} · ${picture.similarity.toFixed(3)} · ${basename(picture.path)}`;
    context.fillText(words, x + 4, y + CELL + 15, CELL - 8);
  }
  return canvas.encode("png");
}

async function drawPicture(context: SKRSContext2D, { path }: FoundPicture, x: number, y: number): Promise<void> {
  const picture = await decodePicture(path).catch((error: unknown) => {
    if (!(error instanceof InputError)) throw error;
  });
  if (!picture) return;
  const { data, width, height } = picture;
  const side = CELL - 4;
  const small = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(side, side, { fit: "inside" })
    .png()
    .toBuffer();
  const image = await loadImage(small);
  context.drawImage(image, x + (CELL - image.width) / 2, y + (CELL - image.height) / 2);
}
