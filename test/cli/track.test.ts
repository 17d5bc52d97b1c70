import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openVideo } from "../../src/inputs/video/frames.ts";
import { loadModel } from "../../src/tasks/finding/load-model.ts";
import { groundling } from "./running.ts";

const folder = mkdtempSync(join(tmpdir(), "track-"));
after(() => rmSync(folder, { recursive: true }));
const photos = join(import.meta.dirname, "..", "..", "examples", "photos");

/** A cat from which the camera moves away for a second, then, after a cut, a cup; 5 frames a second. */
const video = join(folder, "pan.mp4");
const part = (input: number, end: string) =>
  `[${input}]fps=5,scale=480:-2,crop=400:280:x='40*t':y=10,setsar=1,trim=duration=1,setpts=PTS-STARTPTS[${end}]`;
execFileSync("ffmpeg", [
  ...["-v", "error", "-loop", "1", "-i", join(photos, "cat.jpg"), "-loop", "1", "-i", join(photos, "coffee.jpg")],
  ...[
    "-filter_complex",
    `${part(0, "a")};${part(1, "b")};[a][b]concat=n=2:v=1`,
    "-r",
    "5",
    "-pix_fmt",
    "yuv420p",
    video,
  ],
]);

interface Line {
  frame: number;
  time: number;
  tracks: { id: number; label: string; score: number; box: Record<string, number> }[];
}

test("track follows a cat and a cup through a video, and draws them", async () => {
  const out = join(folder, "out");
  const drawn = join(folder, "drawn.mp4");
  const { code, stderr } = await groundling(["track", video, "--prompt", "cat. cup.", "--out", out, "--draw", drawn]);
  assert.equal(code, 0, stderr);
  const lines = readFileSync(join(out, "tracks.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
  assert.deepEqual(
    lines.map(({ frame }) => frame),
    lines.map((_, k) => k),
  );
  const big = (line: Line) => line.tracks.filter(({ score }) => score > 0.7).map(({ id, label }) => `${label} ${id}`);
  const cats = new Set(lines.slice(0, 5).flatMap(big));
  const cups = new Set(lines.slice(5).flatMap(big));
  assert.equal(cats.size, 1, [...cats].join());
  assert.equal(cups.size, 1, [...cups].join());
  assert.match([...cats][0]!, /^cat /);
  assert.match([...cups][0]!, /^cup /);
  const { facts } = await openVideo(drawn);
  assert.deepEqual([facts.width, facts.height, facts.rate], [400, 280, 5]);
  let frames = 0;
  for await (const _ of (await openVideo(drawn)).frames()) frames++;
  assert.equal(frames, lines.length);
});

test("the same from a program, frame by frame", async () => {
  await using model = await loadModel();
  const ids = new Map<number, string>();
  for await (const { tracks, time, frame } of model.track(video, ["cat", "cup"], { rate: 2, threshold: 0.7 })) {
    assert.equal(frame.data.length, frame.width * frame.height * 3);
    assert.equal(time % 0.5, 0);
    for (const { id, label } of tracks) assert.equal(ids.get(id) ?? label, ids.set(id, label).get(id));
  }
  assert.deepEqual([...ids.values()].sort(), ["cat", "cup"]);
});

test("tracks are written for MOTChallenge, as a table and as COCO with tracks", async () => {
  const out = join(folder, "formats");
  for (const format of ["mot", "csv", "coco-video"]) {
    const { code, stderr } = await groundling([
      "track",
      video,
      "--classes",
      "cat,cup",
      "--rate",
      "2",
      "--tracker",
      "sort",
      "--out",
      out,
      "--format",
      format,
    ]);
    assert.equal(code, 0, stderr);
  }
  for (const line of readFileSync(join(out, "tracks.txt"), "utf8").trim().split("\n"))
    assert.match(line, /^\d+,\d+(,[\d.]+){5},-1,-1,-1$/);
  assert.match(
    readFileSync(join(out, "tracks.csv"), "utf8"),
    /^frame,time,id,label,score,xmin,ymin,xmax,ymax\r\n0,0,1,cat,/,
  );
  const coco = JSON.parse(readFileSync(join(out, "tracks.json"), "utf8"));
  assert.deepEqual(
    coco.categories.map(({ name }: { name: string }) => name),
    ["cat", "cup"],
  );
  assert.equal(coco.images.length, 4);
  assert.ok(
    coco.annotations.every((one: { track_id: number; image_id: number }) => one.track_id > 0 && one.image_id > 0),
  );
});

test("what is no video is refused with one line, and nothing is written", async () => {
  const text = join(folder, "text.mp4");
  writeFileSync(text, "no video");
  const out = join(folder, "refused");
  const refused = await groundling(["track", text, "--prompt", "cat.", "--out", out]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /text\.mp4 cannot be read as a video: /);
  assert.equal(refused.stderr.trim().split("\n").length, 1, refused.stderr);
  assert.ok(!existsSync(out));
  const named = await groundling(["track", video, "--prompt", "cat.", "--draw", join(folder, "drawn.gif")]);
  assert.equal(named.code, 1);
  assert.match(named.stderr, /drawn\.gif: a drawn video is an MP4 file; give a name that ends in \.mp4/);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith(".part")),
    [],
  );
});
