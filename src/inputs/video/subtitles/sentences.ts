/** Sentences of a transcript, and chapters of a description. */

import type { Word } from "./transcript.ts";

/** A text with its interval in seconds. */
export interface TimedText {
  text: string;
  start: number;
  end: number;
}

/** Pause that ends a sentence, with and without punctuation in the transcript; longest sentence in seconds and in words. */
const PAUSE = 0.7;
const PAUSE_WITHOUT_MARKS = 0.35;
const LONGEST = 12;
const MOST_WORDS = 30;

const ABBREVIATIONS = new Set([
  "mr.",
  "mrs.",
  "ms.",
  "dr.",
  "prof.",
  "st.",
  "vs.",
  "etc.",
  "e.g.",
  "i.e.",
  "no.",
  "approx.",
]);

/** Divides words into sentences: at full stops, question and exclamation marks, at pauses, and where one grows too long. */
export function sentencesOf(words: readonly Word[]): TimedText[] {
  const marked = words.some(({ text }) => endsSentence(text));
  const sentences: Word[][] = [];
  for (const word of words) {
    const current = sentences.at(-1);
    const last = current?.at(-1);
    const ends =
      !current ||
      !last ||
      endsSentence(last.text) ||
      word.start - last.end >= (marked ? PAUSE : PAUSE_WITHOUT_MARKS) ||
      word.end - current[0]!.start > LONGEST ||
      current.length >= MOST_WORDS;
    if (ends) sentences.push([word]);
    else current.push(word);
  }
  return sentences.map((own) => ({
    text: own.map(({ text }) => text).join(" "),
    start: own[0]!.start,
    end: own.at(-1)!.end,
  }));
}

function endsSentence(text: string): boolean {
  return /[.?!]["')\]]*$/.test(text) && !ABBREVIATIONS.has(text.toLowerCase());
}

/**
 * Chapters that a description lists, one a line, such as "1:05 Chopping"; none unless there are three or more, from 0:00, with growing
 * times. The last one ends with the video.
 */
export function chaptersOf(description: string, duration: number): TimedText[] {
  const found = description.split("\n").flatMap((line) => {
    const match = /^\s*(?:(\d{1,3}):)?(\d{1,2}):(\d{2})\b[\s\-–—:]*(.*)$/.exec(line);
    if (!match) return [];
    const [, hours = "0", minutes, seconds, text] = match;
    return [{ start: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds), text: text!.trim() }];
  });
  const grows = found.every(({ start }, k) => (k ? start > found[k - 1]!.start : start === 0));
  if (found.length < 3 || !grows || found.at(-1)!.start >= duration) return [];
  return found.map(({ start, text }, k) => ({ text, start, end: found[k + 1]?.start ?? duration }));
}
