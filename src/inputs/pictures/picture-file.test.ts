import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import sharp from "sharp";
import { InputError } from "../../errors.ts";
import { pictureFacts, pictureFileFacts, readPictureFile } from "./picture-file.ts";

const folder = mkdtempSync(join(tmpdir(), "picture-file-"));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

/** A 24-bit bitmap with these sizes in its header, without pixels. */
function bitmap(width: number, height: number): Buffer {
  const bytes = Buffer.alloc(54);
  bytes.write("BM");
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(width, 18);
  bytes.writeInt32LE(height, 22);
  bytes.writeUInt16LE(24, 28);
  return bytes;
}

const refused = (said: RegExp) => (error: Error) => {
  assert.ok(error instanceof InputError, String(error));
  assert.match(error.message, said);
  return true;
};

test("the format and size are read from the header, also for a bitmap", async () => {
  writeFileSync(
    at("a.png"),
    await sharp({ create: { width: 9, height: 5, channels: 3, background: "red" } })
      .png()
      .toBuffer(),
  );
  writeFileSync(at("b.bmp"), bitmap(9, -5));
  assert.deepEqual(await pictureFileFacts(at("a.png")), { kind: "png", width: 9, height: 5 });
  assert.deepEqual(await pictureFileFacts(at("b.bmp")), { kind: "bmp", width: 9, height: 5 });
  const { bytes, ...facts } = await readPictureFile(at("b.bmp"));
  assert.deepEqual([bytes.length, facts], [54, { kind: "bmp", width: 9, height: 5 }]);
});

test("other files, too large pictures and special files are refused by their header", async () => {
  await assert.rejects(pictureFacts(Buffer.from("SECRET=1"), "x"), refused(/^x: cannot be read as a picture/));
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="6"/>';
  await assert.rejects(
    pictureFacts(Buffer.from(svg), "x"),
    refused(/^x: has the format svg, which is not supported; give a JPEG/),
  );
  await assert.rejects(pictureFacts(bitmap(100_000, 100_000), "x"), refused(/more than the limit of 100000000/));
  await assert.rejects(pictureFacts(bitmap(0, 5), "x"), refused(/its header has no size/));
  writeFileSync(at("large.png"), "");
  // A sparse file: it takes no space.
  truncateSync(at("large.png"), 2 ** 29 + 1);
  await assert.rejects(pictureFileFacts(at("large.png")), refused(/more than the limit of 536870912/));
  execFileSync("mkfifo", [at("pipe.png")]);
  for (const path of [at("pipe.png"), "/dev/zero", at("none.png"), folder]) {
    await assert.rejects(pictureFileFacts(path), refused(/is not a regular file/));
    await assert.rejects(readPictureFile(path), refused(/no regular file|cannot be read/));
  }
});
