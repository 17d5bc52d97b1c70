/** A text that is rewritten step by step and keeps, for each character, its position in the original. */

import type { Span } from "./word-pieces.ts";

export class TracedText {
  private constructor(
    readonly text: string,
    /** For each UTF-16 unit, its start and end in the original; undefined before the first change. */
    private readonly places: { readonly starts: readonly number[]; readonly ends: readonly number[] } | undefined,
  ) {}

  static of(text: string): TracedText {
    return new TracedText(text, undefined);
  }

  /** Rewrites every match of a global pattern; the replacement maps to the whole match. */
  replace(pattern: RegExp, by: (match: string) => string): TracedText {
    const starts: number[] = [];
    const ends: number[] = [];
    let text = "";
    let at = 0;
    const put = (piece: string, span: (k: number) => Span) => {
      text += piece;
      for (let k = 0; k < piece.length; k++) {
        const [start, end] = span(k);
        starts.push(start);
        ends.push(end);
      }
    };
    const keep = (end: number) => {
      const start = at;
      put(this.text.slice(start, end), (k) => this.spanOf(start + k, start + k + 1));
    };
    let changed = false;
    for (const { 0: match, index } of this.text.matchAll(pattern)) {
      const made = by(match);
      if (made === match) continue;
      changed = true;
      keep(index);
      at = index + match.length;
      const span = this.spanOf(index, at);
      put(made, () => span);
    }
    if (!changed) return this;
    keep(this.text.length);
    return new TracedText(text, { starts, ends });
  }

  /** Another text of the same length, unit for unit. */
  likewise(text: string): TracedText {
    return new TracedText(text, this.places);
  }

  /** Characters of the original for the units from `start` to `end` (exclusive). */
  spanOf(start: number, end: number): Span {
    if (!this.places || start === end) return [start, end];
    return [this.places.starts[start]!, this.places.ends[end - 1]!];
  }
}
