import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { InputError } from "../../errors.ts";
import { openVideo, type VideoFrame } from "./frames.ts";

const folder = mkdtempSync(join(tmpdir(), "video-"));
after(() => rmSync(folder, { recursive: true }));

/** Makes a video with ffmpeg; returns its path. */
function made(name: string, ...args: string[]): string {
  const path = join(folder, name);
  execFileSync("ffmpeg", ["-v", "error", "-y", ...args, path]);
  return path;
}

const pattern = (size: string, seconds: number) => ["-f", "lavfi", "-i", `testsrc=s=${size}:r=10:d=${seconds}`];

async function all(path: string, options = {}): Promise<VideoFrame[]> {
  const frames: VideoFrame[] = [];
  for await (const frame of (await openVideo(path)).frames(options)) frames.push(frame);
  return frames;
}

const refused = (path: string, message: RegExp) =>
  assert.rejects(
    () => all(path),
    (error) => error instanceof InputError && error.message.includes(path) && message.test(error.message),
  );

test("a file that is not a video is refused with its name", async () => {
  await refused(join(folder, "absent.mp4"), /cannot be read as a video: .*No such file/);
  const noise = join(folder, "noise.mp4");
  writeFileSync(
    noise,
    Uint8Array.from({ length: 5000 }, (_, k) => (k * 7919) % 256),
  );
  await refused(noise, /cannot be read as a video/);
  const empty = join(folder, "empty.mp4");
  writeFileSync(empty, "");
  await refused(empty, /cannot be read as a video/);
  await refused(made("sound.wav", "-f", "lavfi", "-i", "sine=d=1"), /has no video stream; give a file with pictures/);
  await refused(
    made(
      "cover.mp3",
      "-f",
      "lavfi",
      "-i",
      "sine=d=1",
      ...pattern("64x48", 0.1),
      "-map",
      "0",
      "-map",
      "1",
      "-frames:v",
      "1",
      "-c:v",
      "png",
      "-disposition:v",
      "attached_pic",
    ),
    /has no video stream/,
  );
});

test("a file name with special characters is not read as an option or a URL", async () => {
  for (const name of ["-i.mkv", "a:b%03d.mkv", "concat:x|y.mkv", "ü 'ö.mkv"]) {
    const path = join(folder, name);
    execFileSync("ffmpeg", ["-v", "error", ...pattern("64x48", 0.3), join(folder, "plain.mkv"), "-y"]);
    writeFileSync(path, readFileSync(join(folder, "plain.mkv")));
    assert.equal((await all(path)).length, 3, name);
  }
});

test("a truncated file gives its complete frames", async () => {
  const path = made("cut.mkv", ...pattern("320x240", 3), "-c:v", "mjpeg");
  const whole = (await all(path)).length;
  truncateSync(path, 60_000);
  const frames = await all(path);
  assert.ok(frames.length > 0 && frames.length < whole, `${frames.length} of ${whole}`);
});

test("if the size changes within a file, frames keep the first size, and times continue", async () => {
  const parts = ["64x48", "128x96"].map((size, k) =>
    readFileSync(made(`part${k}.ts`, ...pattern(size, 1), "-c:v", "mpeg2video", "-output_ts_offset", String(k))),
  );
  const path = join(folder, "changes.ts");
  writeFileSync(path, Buffer.concat(parts));
  const frames = await all(path);
  assert.ok(frames.length >= 18, `${frames.length} frames`);
  assert.ok(frames.every(({ width, height }) => width === 64 && height === 48));
  assert.ok(frames.at(-1)!.time > 1.5, `last at ${frames.at(-1)!.time}`);
});

test("frames with a time before that of the previous frame are skipped and counted", async () => {
  const parts = [0, 1].map((k) =>
    readFileSync(
      made(`back${k}.ts`, ...pattern("64x48", 1), "-c:v", "mpeg2video", "-output_ts_offset", String(2 - 1.5 * k)),
    ),
  );
  const path = join(folder, "backwards.ts");
  writeFileSync(path, Buffer.concat(parts));
  const video = await openVideo(path);
  let last = Number.NEGATIVE_INFINITY;
  let count = 0;
  for await (const { time } of video.frames()) {
    assert.ok(time > last, `${time} after ${last}`);
    last = time;
    count++;
  }
  assert.ok(count >= 10, `${count} frames, ${video.passed.frames} passed over`);
});

test("a header that states ten hours for two frames gives two frames", async () => {
  const path = made("long.mp4", ...pattern("64x48", 0.2), "-c:v", "mjpeg");
  const bytes = readFileSync(path);
  // The duration in mvhd, tkhd and mdhd: 32 bits.
  for (const [box, offset] of [
    ["mvhd", 20],
    ["tkhd", 24],
    ["mdhd", 20],
  ] as const)
    bytes.writeUInt32BE(36_000_000, bytes.indexOf(box) + offset);
  writeFileSync(path, bytes);
  assert.equal((await all(path)).length, 2);
});

test("reading stops when its caller stops, and holds few frames in memory", async () => {
  const path = made("hd.mkv", ...pattern("1280x720", 20), "-c:v", "mjpeg");
  const video = await openVideo(path);
  const before = process.memoryUsage().arrayBuffers;
  let count = 0;
  for await (const { data } of video.frames()) {
    if (data.length !== 1280 * 720 * 3) assert.fail("size");
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (++count === 25) break;
  }
  const held = process.memoryUsage().arrayBuffers - before;
  assert.ok(held < 120 * 2 ** 20, `${held / 2 ** 20} MiB held`);
  const controller = new AbortController();
  let seen = 0;
  for await (const _ of video.frames({ signal: controller.signal })) if (++seen === 3) controller.abort();
  assert.ok(seen < 200);
});

test("if ffmpeg is missing, the error says how to install it", async () => {
  const path = process.env.PATH;
  process.env.PATH = folder;
  try {
    await assert.rejects(
      () => openVideo("x.mp4"),
      /needs ffprobe, which is not installed; install it with: apt-get install ffmpeg/,
    );
  } finally {
    process.env.PATH = path;
  }
});
