import assert from "node:assert/strict";
import { test } from "node:test";
import { openVideo, type VideoFrame } from "../../src/inputs/video/frames.ts";
import { isVariableRate, probeVideo } from "../../src/inputs/video/probe.ts";
import { allNear, near, needsVideo, readVideoJson, videoFile } from "./golden-video.ts";

interface Timing {
  timing: Record<
    string,
    {
      probe: { format: { start_time: string; duration: string } };
      framePts: number[];
      decoded: { sourceFrames: number[]; times: number[] };
      vfrBySpecRule: boolean;
      onScreen: Record<string, number[]>;
    }
  >;
  geometry: Record<string, { displayed: { width: number; height: number; corners: Record<string, number[]> } }>;
}

const golden = needsVideo ? undefined : readVideoJson<Timing>("timing", "expected.json");

/** Each frame's grey says which frame of the source it is. */
const sourceFrame = ({ data }: VideoFrame) => Math.round((data[data.length >> 1]! * 219) / 765);

for (const [file, wanted] of Object.entries(golden?.timing ?? {})) {
  test(`frames of ${file} come with their own times, and sampled ones are those on screen`, async () => {
    const video = await openVideo(videoFile("timing", file));
    const start = wanted.framePts[0]!;
    near(video.facts.start, start, 1e-6, "start");
    near(video.facts.containerStart, Number(wanted.probe.format.start_time), 1e-6, "start of the container");
    const frames: VideoFrame[] = [];
    for await (const frame of video.frames()) frames.push(frame);
    assert.deepEqual(frames.map(sourceFrame), wanted.decoded.sourceFrames);
    const times = frames.map(({ time }) => time);
    // Stored times have six decimals.
    allNear(
      times,
      wanted.framePts.map((time) => time - start),
      1.1e-6,
      "times",
    );
    assert.equal(isVariableRate(times), wanted.vfrBySpecRule);
    for (const [rate, shown] of Object.entries(wanted.onScreen)) {
      const sampled: VideoFrame[] = [];
      for await (const frame of video.frames({ rate: Number(rate) })) sampled.push(frame);
      assert.deepEqual(sampled.map(sourceFrame), shown, `${rate} frames per second`);
      allNear(
        sampled.map(({ time }) => time),
        shown.map((_, k) => k / Number(rate)),
        0,
        `times at ${rate}`,
      );
    }
  });
}

for (const [file, { displayed }] of Object.entries(golden?.geometry ?? {})) {
  test(`frames of ${file} are turned and have square pixels`, async () => {
    const path = videoFile("timing", file);
    const { width, height } = await probeVideo(path);
    near(width / height, displayed.width / displayed.height, 1e-9, "aspect");
    for await (const frame of (await openVideo(path)).frames()) {
      assert.deepEqual([frame.width, frame.height], [width, height]);
      const colour = (x: number, y: number) => {
        const at = 3 * (Math.floor(y * height) * width + Math.floor(x * width));
        return [...frame.data.subarray(at, at + 3)];
      };
      const corners = {
        topLeft: colour(0.25, 0.25),
        topRight: colour(0.75, 0.25),
        bottomLeft: colour(0.25, 0.75),
        bottomRight: colour(0.75, 0.75),
      };
      for (const [corner, wanted] of Object.entries(displayed.corners))
        allNear(corners[corner as keyof typeof corners], wanted, 12, `${file} ${corner}`);
      break;
    }
  });
}
