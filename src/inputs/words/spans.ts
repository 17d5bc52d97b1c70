/** Maps characters of a caption to tokens. */
import { InputError } from "../../errors.ts";
import type { Encoding, Span } from "./word-pieces.ts";

/**
 * Positions of the tokens that cover the characters `[start, end)` of an encoded caption; tokens from `maxTokens` on do not count.
 * A start on a space moves up to two characters forward, an end up to two back. Empty if no token covers the span.
 * Source: GLIP `data/datasets/od_to_grounding.py` and `engine/inference.py`, create_positive_map.
 */
export function tokenPositions(encoding: Encoding, [start, end]: Span, maxTokens = Infinity): number[] {
  const tokenAt = (character: number) =>
    encoding.spans.findIndex(
      (span, k) => k < maxTokens && span !== null && span[0] <= character && character < span[1],
    );
  const firstFound = (characters: number[]) => characters.map(tokenAt).find((token) => token >= 0);
  const first = firstFound([start, start + 1, start + 2]);
  const last = firstFound([end - 1, end - 2, end - 3]);
  if (first === undefined || last === undefined || last < first) return [];
  return Array.from({ length: last - first + 1 }, (_, k) => first + k);
}

/** A row for each box [boxes, columns]: 1 for the tokens of its spans, else 0, as in GLIP's losses. */
export function positiveMap(encoding: Encoding, spansOfBoxes: readonly (readonly Span[])[], columns = 256): Uint8Array {
  const map = new Uint8Array(spansOfBoxes.length * columns);
  spansOfBoxes.forEach((spans, box) => {
    for (const span of spans)
      for (const token of tokenPositions(encoding, span, columns)) map[box * columns + token] = 1;
  });
  return map;
}

/**
 * Positions of phrases in a caption, ignoring case. A phrase given twice takes its next occurrence, or the last one again.
 * Throws InputError that names all phrases which are not in the caption.
 */
export function phraseSpans(caption: string, phrases: readonly string[]): Span[] {
  const searched = new Map<string, number>();
  const spans = phrases.map((phrase): Span | null => {
    const key = phrase.trim().toLowerCase();
    const after = searched.get(key) ?? 0;
    const found = find(caption, phrase.trim(), after) ?? find(caption, phrase.trim(), 0);
    if (found) searched.set(key, found[1]);
    return found;
  });
  const missing = phrases.filter((_, k) => spans[k] === null);
  if (missing.length)
    throw new InputError(`the caption ${quote(caption)} does not contain ${missing.map(quote).join(", ")}`);
  return spans.filter((span) => span !== null);
}

function find(text: string, words: string, after: number): Span | null {
  if (words === "") return null;
  const literal = words.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  // Whole words first, so that "cat" is not found in "cattle".
  for (const pattern of [`(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])`, literal]) {
    const search = new RegExp(pattern, "giu");
    search.lastIndex = after;
    const match = search.exec(text);
    if (match) return [match.index, match.index + match[0].length];
  }
  return null;
}

/** Text for a message: quoted and shortened. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}…` : text);
}
