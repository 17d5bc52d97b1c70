/** Reads SubRip (.srt) files, including common variants: without counters, with blank lines in a text, with dots for commas. */

import { type Cue, decoded, subtitleText } from "./cue.ts";

const TIMES = /^\s*(\d+):(\d{1,2}):(\d{1,2})[,.](\d{1,3})\s*-->\s*(\d+):(\d{1,2}):(\d{1,2})[,.](\d{1,3})(?!\d)/;

/**
 * The cues of a file, in its order, those that do not last included. Every line of times begins a cue; a line of digits before it is its
 * counter; all lines up to the next one that are not blank are its text.
 */
export function readSubRip(bytes: Uint8Array): Cue[] {
  const cues: (Omit<Cue, "text"> & { lines: string[] })[] = [];
  let before = "";
  for (const line of subtitleText(bytes).split("\n")) {
    const times = TIMES.exec(line)?.slice(1);
    const last = cues.at(-1);
    if (times) {
      const isCounter = /^\d+$/.test(before.trim());
      if (isCounter) last?.lines.pop();
      const [start, end] = [times.slice(0, 4), times.slice(4)].map((parts) => secondsOf(parts));
      cues.push({ id: isCounter ? before.trim() : "", start: start!, end: end!, lines: [] });
    } else if (last && line.trim()) last.lines.push(line);
    before = line;
  }
  return cues.map(({ lines, ...cue }) => ({ ...cue, text: lines.join("\n") }));
}

/** A line without tags and overrides such as {\an8}, references resolved. */
export function subRipText(text: string): string {
  return decoded(text.replace(/<\/?[A-Za-z][^<>]*>|\{\\[^{}]*\}/g, ""));
}

function secondsOf([hours, minutes, seconds, fraction]: readonly string[]): number {
  const whole = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return (whole * 1000 + Number(fraction!.padEnd(3, "0"))) / 1000;
}
