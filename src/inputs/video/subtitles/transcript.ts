/** Words with times from cues, without the repetitions of rolling captions. */

import { type Cue, cueText, lasts } from "./cue.ts";

/** A spoken word, in seconds. */
export interface Word {
  text: string;
  start: number;
  end: number;
}

/** A line of a cue: its words, and whether some have their own times. */
interface Line {
  plain: string;
  timed: boolean;
  chunks: { time: number; words: string[] }[];
}

/** Maximum pause after which a line counts as shown again, in seconds. */
const HOLD = 0.1;
/** Minimum duration of a word in seconds. */
const SHORTEST = 0.04;
/** A file without times in its text counts as rolling if at least this fraction of its cues repeat words of the cue before. */
const ROLLING = 0.3;
/** Words count as shown again within this many seconds. */
const REACH = 8;

/**
 * The words of a transcript, by time. Captions that roll up show a line again below a new one; a line that was just shown, and has no
 * times of its own, is left out.
 */
export function wordsOf(cues: readonly Cue[]): Word[] {
  const kept = cues
    .filter(lasts)
    .map((cue) => ({ ...cue, lines: linesOf(cue) }))
    .filter(({ lines }) => lines.length);
  const timed = kept.some(({ lines }) => lines.some((line) => line.timed));
  if (!timed && repeats(kept) >= ROLLING) return withoutRepeatedWords(kept);
  const words: (Word & { cueEnd: number })[] = [];
  for (const [k, { lines, end, start }] of kept.entries()) {
    const before = kept[k - 1];
    const next = kept[k + 1];
    const cueEnd = next && next.start > start ? Math.min(end, next.start) : end;
    const again = before && start - before.end <= HOLD ? repeatedLines(before.lines, lines) : 0;
    for (const line of lines.slice(again))
      for (const { time, words: some } of line.chunks)
        for (const text of some) words.push({ text, start: time, end: 0, cueEnd });
  }
  return words.map(({ text, start, cueEnd }, k) => {
    const until = Math.min(words[k + 1]?.start ?? cueEnd, cueEnd);
    return { text, start, end: Math.max(until, round(start + SHORTEST)) };
  });
}

function linesOf({ text, start }: Cue): Line[] {
  return text.split("\n").flatMap((raw) => {
    const { plain, times } = cueText(raw);
    if (!plain.trim()) return [];
    const points = times.length ? [...plain] : [];
    const bounds = [{ at: 0, time: start }, ...times];
    const chunks = bounds.map(({ at, time }, k) => ({
      time,
      words: wordsIn(times.length ? points.slice(at, bounds[k + 1]?.at ?? points.length).join("") : plain),
    }));
    return [{ plain: wordsIn(plain).join(" "), timed: times.length > 0, chunks }];
  });
}

/** How many of the last lines of a cue are the first lines of the next, none of them with times of its own. */
function repeatedLines(before: readonly Line[], now: readonly Line[]): number {
  for (let count = Math.min(before.length, now.length); count > 0; count--) {
    const tail = before.slice(-count);
    if (now.slice(0, count).every((line, k) => !line.timed && line.plain === tail[k]!.plain)) return count;
  }
  return 0;
}

/** Share of cues that begin with the whole text of the cue before. */
function repeats(cues: readonly { lines: readonly Line[] }[]): number {
  const texts = cues.map(({ lines }) => lines.map(({ plain }) => plain).join(" "));
  const again = texts.filter((text, k) => k > 0 && text.startsWith(texts[k - 1]!)).length;
  return texts.length > 1 ? again / (texts.length - 1) : 0;
}

/** Words of cues without the longest beginning, of three words or the whole cue before, that was just said. */
function withoutRepeatedWords(cues: readonly { lines: readonly Line[]; start: number; end: number }[]): Word[] {
  const said: Word[] = [];
  let before = 0;
  for (const { lines, start, end } of cues) {
    const all = lines.flatMap(({ chunks }) => chunks.flatMap(({ words }) => words));
    const recent = said.filter((word) => word.start >= start - REACH).map(({ text }) => text);
    let again = 0;
    for (let count = Math.min(all.length, recent.length, 100); count > 0 && !again; count--) {
      const tail = recent.slice(recent.length - count);
      if ((count >= 3 || count === before) && tail.every((text, k) => text === all[k])) again = count;
    }
    const fresh = all.slice(again);
    const step = (end - start) / Math.max(1, fresh.length);
    for (const [k, text] of fresh.entries()) said.push({ text, start: start + k * step, end: start + (k + 1) * step });
    before = all.length;
  }
  return said;
}

function wordsIn(text: string): string[] {
  return text.split(/\s+/).filter(Boolean);
}

/** Times of subtitles are in thousandths of a second. */
function round(time: number): number {
  return Math.round(time * 1000) / 1000;
}
