/** Writes a video with the boxes of tracks, which browsers play. */

import { once } from "node:events";
import { extname } from "node:path";
import { InputError } from "../../errors.ts";
import { fileArgument, reasonOf, startProgram } from "../../inputs/video/ffmpeg.ts";

/** A video that is being written. */
export interface DrawnVideo {
  /** Adds a frame: RGBA pixels. */
  add(pixels: Uint8Array): Promise<void>;
  /** Completes the file. Throws InputError if ffmpeg cannot write it. */
  end(): Promise<void>;
  /** Stops and leaves the file incomplete. */
  stop(): void;
}

/** Starts a video in H.264 at a path; all frames have the same size; `rate` is frames per second. */
export function startDrawnVideo(
  path: string,
  { width, height, rate }: { width: number; height: number; rate: number },
): DrawnVideo {
  const pixels = `-f rawvideo -pix_fmt rgba -s ${width}x${height} -r ${rate} -i -`;
  // H.264 in browsers needs even sides.
  const even = "pad=ceil(iw/2)*2:ceil(ih/2)*2,format=yuv420p";
  const coded = `-vf ${even} -c:v libx264 -preset veryfast -crf 23 -movflags +faststart -f mp4`;
  const words = `-v error -hide_banner -y ${pixels} ${coded}`.split(" ");
  const { child, ended } = startProgram("ffmpeg", [...words, fileArgument(path)]);
  const whole = ended.then(({ code, problems }) => {
    if (code !== 0) throw new InputError(`${path} cannot be written as a video: ${reasonOf(problems, code)}`);
  });
  whole.catch(() => {});
  return {
    async add(frame) {
      if (!child.stdin.write(frame)) await Promise.race([once(child.stdin, "drain"), whole]);
    },
    async end() {
      child.stdin.end();
      await whole;
    },
    stop: () => child.kill("SIGKILL"),
  };
}

/** Throws InputError if the path does not end in .mp4. */
export function wantVideoName(path: string): void {
  if (extname(path).toLowerCase() !== ".mp4")
    throw new InputError(`${path}: a drawn video is an MP4 file; give a name that ends in .mp4`);
}
