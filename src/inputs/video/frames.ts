/** The frames of a video file, one after another, with their exact times. */

import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { InputError } from "../../errors.ts";
import { checkPixels, MOST_PIXELS } from "../pictures/picture-source.ts";
import { fileArgument, reasonOf, startProgram } from "./ffmpeg.ts";
import { probeVideo, type VideoFacts } from "./probe.ts";

/** A frame in RGB, rows without gaps. */
export interface VideoFrame {
  /** Index among the frames that are read. */
  index: number;
  /** Seconds from the first frame of the video. */
  time: number;
  width: number;
  height: number;
  data: Uint8Array;
}

export interface FrameOptions {
  /** Frames per second: for each time k / rate the frame that is shown then. Default: every frame, at its own time. */
  rate?: number;
  /** Maximum side in pixels; larger frames are made smaller. */
  maxSide?: number;
  /** Stops reading. */
  signal?: AbortSignal;
}

/** A video that is open for reading. */
export interface Video {
  readonly path: string;
  readonly facts: VideoFacts;
  /** Reads the frames from the first on; may be called again. Only a few frames are in memory at a time. */
  frames(options?: FrameOptions): AsyncGenerator<VideoFrame>;
  /** What the last reading skipped. */
  readonly passed: {
    /** Frames whose time is not after that of the frame before. */
    frames: number;
    /** ffmpeg's messages about damaged parts. */
    damage?: string;
  };
}

/** Opens a video file. Throws InputError if ffmpeg is missing or the file has no video. */
export async function openVideo(path: string): Promise<Video> {
  const facts = await probeVideo(path);
  checkPixels(path, facts.width, facts.height, MOST_PIXELS);
  const passed: Video["passed"] = { frames: 0 };
  return { path, facts, passed, frames: (options = {}) => readFrames({ path, facts, passed }, options) };
}

async function* readFrames(
  { path, facts, passed }: Omit<Video, "frames"> & { passed: { frames: number; damage?: string } },
  { rate, maxSide, signal }: FrameOptions,
): AsyncGenerator<VideoFrame> {
  if (rate !== undefined && !(rate > 0 && rate <= MOST_RATE))
    throw new InputError(`a rate of ${rate} frames per second is not possible; give more than 0, at most ${MOST_RATE}`);
  const { width, height } = sizeWithin(facts, maxSide);
  const { child, ended } = startProgram("ffmpeg", programArguments(path, { width, height, rate }));
  const times = sourceTimes(child.stderr);
  const stop = () => child.kill("SIGKILL");
  signal?.addEventListener("abort", stop, { once: true });
  passed.frames = 0;
  delete passed.damage;
  let index = 0;
  let last = Number.NEGATIVE_INFINITY;
  let read = 0;
  try {
    for await (const data of fixedSizes(child.stdout, 3 * width * height)) {
      // A sampled frame counts only where the video lasts until its time: ffmpeg repeats the last frame once more.
      const time = rate === undefined ? await times.at(read) : read / rate;
      read++;
      if (time === undefined || (rate !== undefined && !(await times.reach(time)))) break;
      if (time > last) yield { index: index++, time, width, height, data };
      else passed.frames++;
      last = Math.max(last, time);
    }
    const { code, problems } = await ended;
    if (signal?.aborted) return;
    if (!index) throw new InputError(`${path} has no frame that can be decoded: ${reasonOf(problems, code)}`);
    if (problems) passed.damage = reasonOf(problems, code);
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
  }
}

/** Maximum of `rate`. */
const MOST_RATE = 1000;

interface Shape {
  width: number;
  height: number;
  rate: number | undefined;
}

/** Times are counted from the first frame, since ffmpeg's sampling otherwise counts on its own grid; sizes stay those of the first frame. */
function programArguments(path: string, { width, height, rate }: Shape): string[] {
  const filters = [
    "setpts=PTS-STARTPTS",
    "showinfo=checksum=0",
    ...(rate === undefined ? [] : [`fps=${rate}:round=up`]),
    `scale=${width}:${height}`,
    "setsar=1",
  ];
  return [
    ...["-v", "info", "-hide_banner", "-nostats", "-nostdin", "-reinit_filter", "0", "-i", fileArgument(path)],
    ...[
      "-map",
      "0:V:0",
      "-vf",
      filters.join(","),
      "-fps_mode",
      "passthrough",
      "-f",
      "rawvideo",
      "-pix_fmt",
      "rgb24",
      "-",
    ],
  ];
}

/** The times of the frames of the file, in seconds, which ffmpeg writes beside the pixels. */
function sourceTimes(stream: Readable) {
  const times: number[] = [];
  let first = 0;
  let [base, newest, ended] = [1, Number.NEGATIVE_INFINITY, false];
  let wake = () => {};
  const lines = createInterface({ input: stream });
  lines.on("line", (line) => {
    const unit = /config in time_base: (\d+)\/(\d+)/.exec(line);
    if (unit) base = Number(unit[1]) / Number(unit[2]);
    const found = /\] n: *\d+ pts: *(-?\d+|NOPTS)/.exec(line);
    if (!found) return;
    const time = found[1] === "NOPTS" ? newest + base : Number(found[1]) * base;
    times.push(time);
    newest = Math.max(newest, time);
    wake();
  });
  lines.on("close", () => {
    ended = true;
    wake();
  });
  const until = async (known: () => boolean) => {
    while (!known() && !ended)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    return known();
  };
  return {
    /** The time of a frame; frames are asked for in order. */
    at: async (frame: number): Promise<number | undefined> => {
      if (!(await until(() => frame - first < times.length))) return undefined;
      times.splice(0, frame - first);
      first = frame;
      return times[0];
    },
    /** Whether the video is at least as long as a time. */
    reach: async (time: number): Promise<boolean> => {
      const reached = await until(() => newest >= time - 1e-9);
      times.length = 0;
      return reached;
    },
  };
}

/** Cuts a stream of bytes into pieces of one size; a part of a piece at the end is dropped. */
async function* fixedSizes(stream: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let piece = new Uint8Array(size);
  let filled = 0;
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length; ) {
      const count = Math.min(size - filled, chunk.length - at);
      piece.set(chunk.subarray(at, at + count), filled);
      at += count;
      filled += count;
      if (filled < size) continue;
      yield piece;
      piece = new Uint8Array(size);
      filled = 0;
    }
  }
}

function sizeWithin({ width, height }: VideoFacts, maxSide = Infinity): { width: number; height: number } {
  const scale = Math.min(1, maxSide / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
