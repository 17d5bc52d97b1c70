/** `groundling track`: follows things through a video by name. */

import { basename } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { optional } from "../../files/optional-package.ts";
import { openNew, replaceWhole } from "../../files/write-whole.ts";
import { labelsOf, namesInPrompt } from "../../inputs/words/prompts.ts";
import { Interrupted, withInterruption } from "../../learning/interruption.ts";
import { DEFAULT_THRESHOLD } from "../../tasks/finding/detect-options.ts";
import type { GroundingModel } from "../../tasks/finding/grounding-model.ts";
import type { TrackedFrame, TrackOptions } from "../../tasks/finding/track-frames.ts";
import { type TrackerName, trackers } from "../../tracking/tracker-names.ts";
import { ProgressBar } from "../progress/progress-bar.ts";
import { type DrawnVideo, startDrawnVideo, wantVideoName } from "../tracks/drawn-video.ts";
import { type TrackFormatName, type TrackWriter, trackFormats } from "../tracks/formats.ts";
import { addModelOptions, fetchingWithProgress, type ModelChoice } from "./model-choice.ts";
import { commaSeparated, linesOf } from "./names.ts";
import { share, sizeRule } from "./numbers.ts";
import { type Precision, precisionOption, precisions } from "./precision.ts";
import { addQuietOption, print, say } from "./writing.ts";

interface Choices extends ModelChoice, TrackOptions {
  prompt?: string;
  classes?: string[];
  classesFile?: string[];
  tracker: TrackerName;
  format: TrackFormatName;
  out?: string;
  draw?: string;
  quiet?: boolean;
  precision: Precision;
}

/** Adds the command to a program. */
export function addTrackCommand(program: Command): void {
  const command = program
    .command("track <video>")
    .description(
      "Follow things through a video by name: each keeps its id from frame to frame. Reads what ffmpeg reads (MP4, MKV, WebM, AVI and others); ffmpeg must be installed.",
    )
    .addOption(
      new Option("--prompt <text>", 'what to follow, for example "person. dog."').conflicts(["classes", "classesFile"]),
    )
    .addOption(
      new Option("--classes <names>", "names to follow, separated by commas")
        .argParser(commaSeparated)
        .conflicts("classesFile"),
    )
    .addOption(new Option("--classes-file <file>", "file with names to follow, one per line").argParser(linesOf));
  addQuietOption(addModelOptions(command))
    .addOption(
      new Option("--tracker <name>", "how boxes are joined to tracks")
        .choices(Object.keys(trackers))
        .default("grounded"),
    )
    .option("--rate <number>", "frames per second to use (default: every frame)", framesPerSecond)
    .option("--threshold <score>", "score from which a detection starts a track", share, DEFAULT_THRESHOLD)
    .option("--size <short,max>", "resize frames to these sides in pixels (default: the model's own)", sizeRule)
    .addOption(precisionOption())
    .addOption(
      new Option("--format <name>", "format of the tracks").choices(Object.keys(trackFormats)).default("jsonl"),
    )
    .option("--out <folder>", "output folder; an existing file is replaced (default: print the tracks)")
    .option("--draw <file>", "write a video (.mp4) with boxes and ids")
    .action(async (path: string, { prompt, classes, classesFile, ...choices }: Choices) => {
      const named = (prompt === undefined ? undefined : namesInPrompt(prompt)) ?? classes ?? classesFile;
      if (!named)
        return command.error("error: no names to follow; give --prompt TEXT, --classes A,B or --classes-file FILE");
      await trackVideo(path, choices, { asked: prompt ?? named, labels: labelsOf(named) });
    });
}

/** A number of frames per second. */
function framesPerSecond(text: string): number {
  const rate = Number(text);
  if (!(rate > 0 && rate <= 1000)) throw new InvalidArgumentError("give a number above 0, at most 1000");
  return rate;
}

interface Question {
  asked: string | string[];
  labels: readonly string[];
}

/** Tracks, then writes. After Ctrl-C the frames that are done are written, and Interrupted is thrown. */
async function trackVideo(path: string, choices: Choices, { asked, labels }: Question): Promise<void> {
  const { draw, format, out, quiet, precision } = choices;
  if (draw !== undefined) wantVideoName(draw);
  const { openVideo } = await import("../../inputs/video/frames.ts");
  const video = await openVideo(path);
  const { facts } = video;
  // A drawn video has evenly spaced frames, so frames of another rhythm are sampled.
  const rate = choices.rate ?? (draw === undefined ? undefined : (facts.rate ?? 25));
  const model = await modelOf(choices, precision);
  const total = Math.round((facts.duration ?? 0) * (rate ?? facts.rate ?? 0));
  const bar = new ProgressBar({ unit: "frames", quiet: quiet || total < 2 });
  if (!quiet) for (const remark of model.remarks(asked)) say(`groundling: ${remark}\n`);
  try {
    await withInterruption(async (signal) => {
      const { tracker, threshold, size } = choices;
      const frames = video.frames({ ...(rate === undefined ? {} : { rate }), signal });
      const how: TrackOptions = {
        tracker,
        ...(threshold === undefined ? {} : { threshold }),
        ...(size ? { size } : {}),
      };
      const tracked = model.track(frames, asked, how);
      const writer = trackFormats[format].writer({ name: basename(path), labels });
      let done = 0;
      bar.start(total);
      const counted = async function* () {
        for await (const frame of tracked) {
          yield frame;
          bar.update(++done);
          if (signal.aborted) return;
        }
      };
      await drawing(draw, rate, counted(), (frames) =>
        writing(out, format, writer, frames, (text) => bar.aside(() => print(text))),
      );
      bar.stop();
      if (video.passed.damage) say(`groundling: parts of ${path} are damaged: ${video.passed.damage}\n`);
      if (video.passed.frames)
        say(`groundling: ${video.passed.frames} frames of ${path} whose time runs backwards were left out\n`);
      if (signal.aborted) throw new Interrupted(`interrupted after ${done} frames, which are written`);
    });
  } finally {
    bar.stop();
    await model.dispose();
  }
}

async function modelOf(choices: Choices, precision: Precision): Promise<GroundingModel> {
  const { loadModel } = await import("../../tasks/finding/load-model.ts");
  return fetchingWithProgress(choices, (fetching) =>
    loadModel(choices.model, { ...precisions[precision], ...fetching }),
  );
}

/** Writes the tracks into the output folder as they come, or prints them. */
async function writing(
  out: string | undefined,
  format: TrackFormatName,
  writer: TrackWriter,
  frames: AsyncIterable<TrackedFrame>,
  show: (text: string) => void,
): Promise<void> {
  const all = async (write: (text: string) => unknown) => {
    await write(writer.head);
    for await (const frame of frames) await write(writer.frame(frame));
    await write(writer.end());
  };
  if (out === undefined) return all((text) => (text ? show(text) : undefined));
  const file = `${out}/${trackFormats[format].file}`;
  await replaceWhole(file, async (draft) => {
    const handle = await openNew(draft);
    try {
      await all((text) => handle.write(text));
    } finally {
      await handle.close();
    }
  });
  say(`${file}\n`);
}

/** Draws the frames into a video on their way to `rest`. */
async function drawing(
  file: string | undefined,
  rate = 25,
  frames: AsyncIterable<TrackedFrame>,
  rest: (frames: AsyncIterable<TrackedFrame>) => Promise<void>,
): Promise<void> {
  if (file === undefined) return rest(frames);
  const { drawTracks } = await optional(() => import("../detections/draw.ts"), {
    purpose: "--draw",
    packages: ["@napi-rs/canvas", "@fontsource/inter"],
  });
  await replaceWhole(file, async (draft) => {
    let video: DrawnVideo | undefined;
    const drawn = async function* () {
      for await (const one of frames) {
        const { width, height } = one.frame;
        video ??= startDrawnVideo(draft, { width, height, rate });
        await video.add(drawTracks(one.frame, one.tracks));
        yield one;
      }
    };
    try {
      await rest(drawn());
      await video?.end();
    } catch (error) {
      video?.stop();
      throw error;
    }
  });
  say(`${file}\n`);
}
