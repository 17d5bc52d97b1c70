/** The properties of a video file. */

import { z } from "zod";
import { InputError } from "../../errors.ts";
import { fileArgument, outputOf } from "./ffmpeg.ts";

/** Properties of the first video stream of a file. */
export interface VideoFacts {
  /** Size in pixels as shown: rotated, and with square pixels. */
  width: number;
  height: number;
  /** Duration in seconds as the file states it, which may be wrong; undefined if it states none. */
  duration?: number;
  /** Nominal frames per second; undefined if the file states none. */
  rate?: number;
  /** Time of the first frame, in seconds, in the file's own count; frames are counted from it. */
  start: number;
  /** Time at which the container starts; subtitles count from it. */
  containerStart: number;
}

const MOST_SIDE = 16_384;

const number = z.coerce.number().optional().catch(undefined);
const probed = z.object({
  streams: z.array(
    z.object({
      width: z.number().int().positive().max(MOST_SIDE),
      height: z.number().int().positive().max(MOST_SIDE),
      sample_aspect_ratio: z.string().optional(),
      avg_frame_rate: z.string().optional(),
      r_frame_rate: z.string().optional(),
      start_time: number,
      duration: number,
      side_data_list: z.array(z.object({ rotation: number })).optional(),
    }),
  ),
  format: z.object({ start_time: number, duration: number }),
});

const ENTRIES =
  "stream=width,height,sample_aspect_ratio,avg_frame_rate,r_frame_rate,start_time,duration:stream_side_data=rotation:format=start_time,duration";

/** Reads the properties of a video. Throws InputError if the file has no readable video. */
export async function probeVideo(path: string): Promise<VideoFacts> {
  const args = ["-v", "error", "-select_streams", "V:0", "-show_entries", ENTRIES, "-of", "json", fileArgument(path)];
  const text = await outputOf("ffprobe", args, path);
  const { success, data } = probed.safeParse(parsed(text));
  const stream = data?.streams[0];
  if (!success || !data || !stream)
    throw new InputError(`${path} has no video stream; give a file with pictures, such as .mp4, .mkv or .webm`);
  const [across, down] = ratioOf(stream.sample_aspect_ratio) ?? [1, 1];
  const turned = Math.abs(stream.side_data_list?.find(({ rotation }) => rotation)?.rotation ?? 0) % 180 === 90;
  const [width, height] = turned ? [stream.height, stream.width] : [stream.width, stream.height];
  const shape = turned ? down / across : across / down;
  const rate = rateOf(stream.avg_frame_rate) ?? rateOf(stream.r_frame_rate);
  const duration = stream.duration ?? data.format.duration;
  return {
    width: Math.max(1, Math.round(width * shape)),
    height,
    ...(duration === undefined ? {} : { duration }),
    ...(rate === undefined ? {} : { rate }),
    start: stream.start_time ?? 0,
    containerStart: data.format.start_time ?? 0,
  };
}

/** Whether times of frames, in seconds, are not evenly spaced: a step differs from the median by more than a tenth of it. */
export function isVariableRate(times: readonly number[]): boolean {
  const steps = times.slice(1).map((time, k) => time - times[k]!);
  if (!steps.length) return false;
  const median = [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)]!;
  return steps.some((step) => Math.abs(step - median) > 0.1 * median);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function ratioOf(text: string | undefined): [number, number] | undefined {
  const [, across, down] = /^(\d+)[:/](\d+)$/.exec(text ?? "") ?? [];
  return Number(across) > 0 && Number(down) > 0 ? [Number(across), Number(down)] : undefined;
}

function rateOf(text: string | undefined): number | undefined {
  const ratio = ratioOf(text);
  return ratio && ratio[0] / ratio[1];
}
