/** Reads WebVTT as browsers do. Source: W3C WebVTT, "parsing". */

import { InputError } from "../../../errors.ts";
import { type Cue, subtitleText, timeAt } from "./cue.ts";

export interface WebVtt {
  /** In the order of the file, including cues that do not end after they start. */
  cues: Cue[];
  /** How many blocks of styles and of regions there are. */
  styles: number;
  regions: number;
}

/** Reads a file and skips malformed blocks. Throws InputError if it does not begin with WEBVTT. `name` is for messages. */
export function readWebVtt(bytes: Uint8Array, name: string): WebVtt {
  const lines = subtitleText(bytes).split("\n");
  if (!/^WEBVTT(?:[ \t]|$)/.test(lines[0]!))
    throw new InputError(
      `${name} is not WebVTT: it does not begin with WEBVTT; give a .vtt file, or name SRT files .srt`,
    );
  const found: WebVtt = { cues: [], styles: 0, regions: 0 };
  // Lines of the header end at an empty line or at a line with an arrow, with which a cue may begin.
  let at = 1;
  while (at < lines.length && lines[at] && !lines[at]!.includes("-->")) at++;
  while (at < lines.length) at = readBlock(lines, at, found);
  return found;
}

/** Reads the block that begins at a line; returns where the next one begins. */
function readBlock(lines: readonly string[], start: number, found: WebVtt): number {
  const buffer: string[] = [];
  let cue: Omit<Cue, "text"> | undefined;
  let arrow = false;
  let kind: "styles" | "regions" | undefined;
  let at = start;
  for (; at < lines.length; at++) {
    const line = lines[at]!;
    const count = at - start + 1;
    if (line.includes("-->")) {
      if (count > 2 || (count === 2 && arrow)) break;
      arrow = true;
      cue = readTimes(line, buffer.join("\n"));
      buffer.length = 0;
    } else if (!line) {
      at++;
      break;
    } else {
      if (count === 2 && !arrow) kind = kindOf(buffer[0]!);
      buffer.push(line);
    }
  }
  if (cue) found.cues.push({ ...cue, text: buffer.join("\n") });
  else if (kind) found[kind]++;
  return at;
}

function kindOf(line: string): "styles" | "regions" | undefined {
  if (/^STYLE\s*$/.test(line)) return "styles";
  return /^REGION\s*$/.test(line) ? "regions" : undefined;
}

/** The times of a cue; its settings are not kept. */
function readTimes(line: string, id: string): Omit<Cue, "text"> | undefined {
  const start = timeAt(line, spacesFrom(line, 0));
  if (!start) return undefined;
  const arrow = spacesFrom(line, start.end);
  if (!line.startsWith("-->", arrow)) return undefined;
  const end = timeAt(line, spacesFrom(line, arrow + 3));
  return end && { id, start: start.time, end: end.time };
}

function spacesFrom(line: string, position: number): number {
  let at = position;
  while (line[at] === " " || line[at] === "\t" || line[at] === "\f") at++;
  return at;
}
