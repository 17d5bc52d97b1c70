import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../errors.ts";
import { decodePicture } from "./picture.ts";

const [WIDTH, HEIGHT] = [5, 3];
/** Red, green and blue at a position. */
const colour = (x: number, y: number) => [40 * x + 1, 70 * y + 3, 200 - x] as const;
const expected = Array.from({ length: WIDTH * HEIGHT }, (_, k) => colour(k % WIDTH, Math.floor(k / WIDTH))).flat();

/** A bitmap with this many bits per pixel: 24 or 32, rows from the bottom or, with a negative height, from the top; 8 with a palette. */
function bitmap({ bits = 24, down = false } = {}): Buffer {
  const colours = bits === 8 ? WIDTH * HEIGHT : 0;
  const row = 4 * Math.ceil((WIDTH * bits) / 32);
  const start = 54 + 4 * colours;
  const bytes = Buffer.alloc(start + row * HEIGHT);
  bytes.write("BM");
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(start, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(WIDTH, 18);
  bytes.writeInt32LE(down ? -HEIGHT : HEIGHT, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(bits, 28);
  bytes.writeUInt32LE(colours, 46);
  for (let y = 0; y < HEIGHT; y++)
    for (let x = 0; x < WIDTH; x++) {
      const place = y * WIDTH + x;
      const at = start + (down ? y : HEIGHT - 1 - y) * row + (x * bits) / 8;
      const [red, green, blue] = colour(x, y);
      if (bits === 8) bytes[at] = place;
      bytes.set([blue, green, red], bits === 8 ? 54 + 4 * place : at);
    }
  return bytes;
}

const refuses = (bytes: Uint8Array, message: RegExp, options = {}) =>
  assert.rejects(decodePicture(bytes, options), (error) => {
    assert.ok(error instanceof InputError, String(error));
    assert.match(error.message, message);
    return true;
  });

test("bitmaps with 24 bits, 32 bits, a palette, or rows from the top are read exactly", async () => {
  for (const kind of [{}, { down: true }, { bits: 32 }, { bits: 8 }, { bits: 8, down: true }]) {
    const { data, width, height } = await decodePicture(bitmap(kind));
    assert.deepEqual([width, height], [WIDTH, HEIGHT]);
    assert.deepEqual([...data], expected, JSON.stringify(kind));
  }
});

test("a truncated, empty or too large bitmap is refused before decoding", async () => {
  await refuses(bitmap().subarray(0, 90), /damaged picture \(it has 90 of 102 bytes\)/);
  await refuses(bitmap().subarray(0, 30), /damaged picture/);
  const empty = bitmap();
  empty.writeInt32LE(0, 18);
  await refuses(empty, /its header has no size/);
  const huge = bitmap();
  huge.writeInt32LE(60_000, 18);
  huge.writeInt32LE(60_000, 22);
  await refuses(huge, /60000 × 60000 pixels, more than the limit/);
});

test("a bitmap with one byte changed is read or refused, whichever byte it is", async () => {
  const whole = bitmap({ bits: 8 });
  for (let at = 0; at < 54; at++)
    for (const value of [0, 1, 127, 255]) {
      const bytes = Buffer.from(whole);
      bytes[at] = value;
      await decodePicture(bytes, { maxPixels: 10_000 }).catch((error) =>
        assert.ok(error instanceof InputError, String(error)),
      );
    }
});
