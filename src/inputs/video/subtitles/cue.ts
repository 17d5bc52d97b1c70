/** Cues of subtitles, and their text without markup. */

import { decodeHTML } from "entities";

/** A text with the time in which it is shown, in seconds. */
export interface Cue {
  id: string;
  start: number;
  end: number;
  /** Lines as they stand in the file, joined by line feeds. */
  text: string;
}

/** The text of a cue without tags and references. Positions count Unicode code points of `plain`. */
export interface CueText {
  plain: string;
  /** Times within the text, in seconds, in their order in the text. */
  times: { at: number; time: number }[];
  /** Speakers, from where they speak. */
  voices: { at: number; name: string }[];
}

/** Maximum length of a speaker's name, in characters. */
const LONGEST_NAME = 1000;

/** Whether a cue ends after it starts; other cues are dropped. */
export function lasts({ start, end }: Cue): boolean {
  return end > start;
}

/** Whether a text is not speech: [Music], (applause), or a text between music notes. */
export function isNonSpeech(plain: string): boolean {
  const text = plain.trim();
  return /^\[[^\]]*\]$|^\([^)]*\)$|^[♪♫][^♪♫]*[♪♫]?$/.test(text);
}

/**
 * Lines of a file of subtitles: UTF-8 with replacement characters, one byte order mark removed, CR and CRLF as LF, NUL replaced.
 */
export function subtitleText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replace(/\r\n?/g, "\n").replaceAll("\0", "\ufffd");
}

/** A time as WebVTT writes it at a position: [hours:]mm:ss.ttt. */
export function timeAt(text: string, position: number): { time: number; end: number } | undefined {
  const pattern = /(\d+):(\d\d)(?::(\d\d))?\.(\d{3})(?!\d)/y;
  pattern.lastIndex = position;
  const found = pattern.exec(text);
  if (!found) return undefined;
  const [, first, second, third, thousandths] = found;
  const [hours, minutes, seconds] =
    third === undefined ? [0, Number(first), second] : [Number(first), Number(second), third];
  if (third === undefined && first!.length !== 2) return undefined;
  if (minutes > 59 || Number(seconds) > 59) return undefined;
  const whole = hours * 3600 + minutes * 60 + Number(seconds);
  return { time: (whole * 1000 + Number(thousandths)) / 1000, end: pattern.lastIndex };
}

/** Reads the text of a WebVTT cue in one pass. Source: W3C WebVTT, "cue text tokenizer". */
export function cueText(text: string): CueText {
  const result: CueText = { plain: "", times: [], voices: [] };
  const parts: string[] = [];
  let points = 0;
  for (let at = 0; at < text.length; ) {
    const open = text.indexOf("<", at);
    const words = decoded(text.slice(at, open < 0 ? text.length : open));
    parts.push(words);
    points += codePoints(words);
    if (open < 0) break;
    const close = text.indexOf(">", open);
    const tag = text.slice(open + 1, close < 0 ? text.length : close);
    addTag(result, tag, points);
    at = close < 0 ? text.length : close + 1;
  }
  result.plain = parts.join("");
  return result;
}

function addTag({ times, voices }: CueText, tag: string, at: number): void {
  if (/^\d/.test(tag)) {
    const found = timeAt(tag, 0);
    if (found && found.end === tag.length) times.push({ at, time: found.time });
    return;
  }
  const space = tag.search(/[\s]/);
  const [name] = (space < 0 ? tag : tag.slice(0, space)).split(".", 1);
  if (name === "v")
    voices.push({ at, name: space < 0 ? "" : decoded(tag.slice(space, LONGEST_NAME)).trim().replace(/\s+/g, " ") });
}

/** Resolves references such as &amp;. */
export function decoded(text: string): string {
  return text.includes("&") ? decodeHTML(text) : text;
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
