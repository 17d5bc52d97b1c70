import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { InputError } from "../../errors.ts";
import { decodePicture } from "./picture.ts";
import type { PictureSource } from "./picture-source.ts";

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const raw = { width: 2, height: 1, channels: 3 } as const;
const redAndBlue = sharp(Uint8Array.of(255, 0, 0, 0, 0, 255), { raw });

async function pixels(source: PictureSource) {
  const { data, width, height } = await decodePicture(source);
  assert.equal(data.length, 3 * width * height);
  return { data: [...data], width, height };
}

function refuses(source: PictureSource, words: RegExp, options = {}) {
  return assert.rejects(decodePicture(source, options), (error) => {
    assert.ok(error instanceof InputError, String(error));
    assert.match(error.message, words);
    return true;
  });
}

test("a path, bytes, a file URL, a data URL and pixels give the same picture", async () => {
  const folder = await mkdtemp(join(tmpdir(), "picture-"));
  const path = join(folder, "a b.png");
  const bytes = await redAndBlue.clone().png().toBuffer();
  await writeFile(path, bytes);
  const expected = { data: [255, 0, 0, 0, 0, 255], width: 2, height: 1 };
  const pixelsGiven = { ...raw, data: Uint8ClampedArray.from(expected.data) };
  const data = new URL(`data:image/png;base64,${bytes.toString("base64")}`);
  const blobs = [new Blob([new Uint8Array(bytes)]), new File([new Uint8Array(bytes)], "a.png")];
  for (const source of [
    path,
    bytes,
    pathToFileURL(path),
    data,
    pathToFileURL(path).href,
    data.href,
    ...blobs,
    pixelsGiven,
  ])
    assert.deepEqual(await pixels(source), expected);
  await rm(folder, { recursive: true });
});

test("a picture is rotated by its EXIF orientation", async () => {
  const turned = await redAndBlue.clone().png().withMetadata({ orientation: 6 }).toBuffer();
  assert.deepEqual(await pixels(turned), { data: [255, 0, 0, 0, 0, 255], width: 1, height: 2 });
});

test("gray, gray with alpha, RGBA and 16 bits become RGB", async () => {
  const gray = await sharp(Uint8Array.of(10, 200), { raw: { ...raw, channels: 1 } })
    .png()
    .toBuffer();
  assert.deepEqual((await pixels(gray)).data, [10, 10, 10, 200, 200, 200]);
  const grayAlpha = await sharp(Uint8Array.of(10, 0, 200, 99), { raw: { ...raw, channels: 2 } })
    .png()
    .toBuffer();
  assert.deepEqual((await pixels(grayAlpha)).data, [10, 10, 10, 200, 200, 200]);
  const alpha = await sharp(Uint8Array.of(1, 2, 3, 0, 4, 5, 6, 128), { raw: { ...raw, channels: 4 } })
    .png()
    .toBuffer();
  assert.deepEqual((await pixels(alpha)).data, [1, 2, 3, 4, 5, 6]);
  const deep = png(2, 1, { bits: 16, colour: 2 }, Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 255, 128, 7, 254, 8, 255));
  assert.deepEqual((await pixels(deep)).data, [1, 3, 5, 255, 7, 8]);
  assert.deepEqual(
    (await pixels({ data: Uint8Array.of(7, 9), width: 2, height: 1, channels: 1 })).data,
    [7, 7, 7, 9, 9, 9],
  );
});

test("CMYK becomes Pillow's RGB", async () => {
  const { data, width, height } = await decodePicture(fixture("cmyk.jpg"));
  assert.deepEqual([width, height], [30, 20]);
  const expected = "bdb9481745226c92aac2b397d6f329523487ae4bf9f1fd334e87d68afbcc6f8d";
  assert.equal(createHash("sha256").update(data).digest("hex"), expected);
});

test("the first frame of an animated picture is read", async () => {
  const frames = Uint8Array.from({ length: 2 * 3 * 4 }, (_, k) => (k < 12 ? 0 : 255));
  const tall = { width: 2, height: 4, channels: 3, pageHeight: 2 } as const;
  const animated = await sharp(frames, { raw: tall })
    .gif({ loop: 0, delay: [10, 10] })
    .toBuffer();
  assert.deepEqual(await pixels(animated), { data: new Array(12).fill(0), width: 2, height: 2 });
});

test("anything else than a picture is refused with its name", async () => {
  await refuses(new Uint8Array(0), /0 bytes is empty/);
  await refuses(Buffer.from("just some words, not a picture"), /30 bytes cannot be read as a picture/);
  await refuses("missing.jpg", /missing\.jpg cannot be opened/);
  await refuses(fixture("."), /fixtures.* is not a file/);
  await refuses(fixture("resize.json"), /resize\.json cannot be read as a picture/);
  await refuses("nul\0.png", /nul\\0\.png cannot be opened \(the path contains a NUL/);
  await refuses("", /\(no name\) cannot be opened/);
  await refuses(new URL("ftp://example.org/a.png"), /ftp:.* unknown URL scheme/);
  await refuses(new URL("data:text/plain,hello"), /data:text\/plain,hello cannot be read as a picture/);
  await refuses(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), /has the format svg/);
});

test("a truncated picture is refused", async () => {
  const noise = Uint8Array.from({ length: 3 * 64 * 64 }, (_, k) => (k * k * 31) >> 3);
  const whole = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
    .jpeg()
    .toBuffer();
  await refuses(whole.subarray(0, whole.length >> 1), /damaged picture|cannot be read as a picture/);
});

test("a picture of too many pixels is refused before it is decoded", async () => {
  const bomb = png(60000, 60000, { bits: 8, colour: 0 }, new Uint8Array(10));
  await refuses(bomb, /60000 × 60000 pixels, more than the limit of 100000000/);
  await refuses({ data: new Uint8Array(12), width: 2, height: 2, channels: 3 }, /limit of 3;/, { maxPixels: 3 });
});

test("pixels that do not match their size are refused", async () => {
  await refuses({ data: new Uint8Array(5), width: 1, height: 2, channels: 3 }, /must hold 6 bytes, not 5/);
  await refuses({ data: new Uint8Array(4), width: 1, height: 2, channels: 2 }, /must have 1, 3 or 4 channels/);
  await refuses({ data: new Uint8Array(0), width: 0, height: 2, channels: 3 }, /whole and positive/);
  await refuses({ data: new Uint8Array(3), width: 0.5, height: 2, channels: 3 }, /whole and positive/);
});

test("a picture is fetched, and the URL of a failing server is named", async () => {
  const bytes = await redAndBlue.clone().png().toBuffer();
  const server = createServer((request, response) => {
    if (request.url === "/a.png") response.end(bytes);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  assert.ok(address && typeof address === "object");
  const root = `http://127.0.0.1:${address.port}`;
  assert.deepEqual((await pixels(new URL(`${root}/a.png`))).data, [255, 0, 0, 0, 0, 255]);
  assert.deepEqual((await pixels(`${root}/a.png`)).data, [255, 0, 0, 0, 0, 255]);
  await refuses(new URL(`${root}/b.png`), /b\.png cannot be fetched \(the server answered 404\)/);
  await new Promise((resolve) => {
    server.closeAllConnections();
    server.close(resolve);
  });
  await refuses(new URL(`${root}/a.png`), /cannot be fetched/);
});

/** A PNG file with one row filter byte first in `rows`. */
function png(
  width: number,
  height: number,
  { bits, colour }: { bits: number; colour: number },
  rows: Uint8Array,
): Buffer {
  const chunk = (kind: string, content: Buffer) => {
    const body = Buffer.concat([Buffer.from(kind), content]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(content.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bits, colour], 8);
  const signature = Buffer.from("89504e470d0a1a0a", "hex");
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

test("invalid URLs, other files and empty files are refused in one sentence", async () => {
  await refuses("https://", /^https:\/\/ is not a valid URL; write it as/);
  await refuses("http://exa mple.org/a.png", /is not a valid URL/);
  await refuses("file://other-host/a.png", /is not a valid URL/);
  await refuses(new Blob([]), /the picture of 0 bytes is empty/);
  await refuses(new File(["words"], "words.png"), /^words\.png cannot be read as a picture/);
  for (const nothing of [undefined, null, 5, {}])
    await refuses(JSON.parse(JSON.stringify({ nothing })).nothing, /is not a picture; give a path/);
});
