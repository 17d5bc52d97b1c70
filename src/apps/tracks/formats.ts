/** Tracks in the formats of other programs. */

import type { TrackedDetection, TrackedFrame } from "../../tasks/finding/track-frames.ts";
import { csvLine } from "../detections/csv.ts";

/** A format: lines for each frame, then the end of the file. */
export interface TrackFormat {
  /** Name of its file in the output folder. */
  readonly file: string;
  /** Makes a writer for one video. */
  readonly writer: (video: TrackedVideo) => TrackWriter;
}

/** Properties of the video. */
export interface TrackedVideo {
  name: string;
  labels: readonly string[];
}

/** The parts of a file, in order. */
export interface TrackWriter {
  head: string;
  frame(frame: TrackedFrame): string;
  end(): string;
}

/** Names of formats. */
export type TrackFormatName = "jsonl" | "csv" | "mot" | "coco-video";

export const trackFormats: Readonly<Record<TrackFormatName, TrackFormat>> = {
  jsonl: { file: "tracks.jsonl", writer: () => lines("", (frame) => `${JSON.stringify(entryOf(frame))}\n`) },
  csv: {
    file: "tracks.csv",
    writer: () =>
      lines(
        csvLine(["frame", "time", "id", "label", "score", "xmin", "ymin", "xmax", "ymax"]),
        ({ index, time, tracks }) =>
          tracks
            .map(({ id, label, score, box }) => csvLine([index, time, id, label, score, ...Object.values(box)]))
            .join(""),
      ),
  },
  mot: {
    file: "tracks.txt",
    writer: () =>
      lines("", ({ index, tracks }) =>
        tracks
          .map((track) => `${[index + 1, track.id, ...xywh(track), rounded(track.score), -1, -1, -1].join(",")}\n`)
          .join(""),
      ),
  },
  "coco-video": { file: "tracks.json", writer: cocoVideo },
};

function lines(head: string, frame: TrackWriter["frame"]): TrackWriter {
  return { head, frame, end: () => "" };
}

function entryOf({ index, time, tracks }: TrackedFrame) {
  return { frame: index, time, tracks };
}

/** As TAO and YouTube-VIS extend COCO: images of a video, annotations with the track they belong to. Annotations are kept until the end. */
function cocoVideo({ name, labels }: TrackedVideo): TrackWriter {
  const annotations: string[] = [];
  let first = true;
  const categories = labels.map((label, k) => ({ id: k + 1, name: label }));
  const head = { videos: [{ id: 1, name }], categories };
  return {
    head: `${JSON.stringify(head).slice(0, -1)},"images":[\n`,
    frame({ index, time, tracks, frame: { width, height } }) {
      const image = { id: index + 1, video_id: 1, frame_id: index, time, width, height };
      for (const track of tracks)
        annotations.push(
          JSON.stringify({
            id: annotations.length + 1,
            image_id: image.id,
            video_id: 1,
            category_id: labels.indexOf(track.label) + 1,
            track_id: track.id,
            bbox: xywh(track),
            score: rounded(track.score),
          }),
        );
      const text = `${first ? "" : ",\n"}${JSON.stringify(image)}`;
      first = false;
      return text;
    },
    end: () => `\n],"annotations":[\n${annotations.join(",\n")}\n]}\n`,
  };
}

function xywh({ box: { xmin, ymin, xmax, ymax } }: TrackedDetection): number[] {
  return [xmin, ymin, xmax - xmin, ymax - ymin].map(rounded);
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
