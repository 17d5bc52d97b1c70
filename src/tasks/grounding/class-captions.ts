/** Makes training captions of class names for pictures of detection sets. Source: GLIP `od_to_grounding.py`. */

import type { Random } from "../../data/random.ts";
import { type ClassPrompt, captionOfClasses, cleanName } from "../../inputs/words/prompts.ts";
import type { Span, WordPieces } from "../../inputs/words/word-pieces.ts";

/** How many names of absent classes to add to the names in the picture. */
export interface NegativeOptions {
  /** Their maximum number (GLIP: 85). */
  most: number;
  /** Probabilities of one, none, and the maximum; otherwise the number is uniform (GLIP: 0, 0, 0.5). */
  one: number;
  none: number;
  all: number;
  /**
   * Keeps the order of the names, and uses all names if they fit, because tuned prompts depend on positions (GLIP `DISABLE_SHUFFLE`).
   */
  ordered?: boolean;
}

/** [CLS] and [SEP]. */
const SPECIAL_TOKENS = 2;

/** Makes captions of the class names of a set; names that are equal after cleaning are one class. */
export class ClassCaptions {
  /** By the cleaned label. */
  private readonly classes: ReadonlyMap<string, ClassPrompt>;
  private readonly names: readonly string[];
  private readonly counts = new Map<string, number>();

  constructor(
    given: readonly (string | ClassPrompt)[],
    private readonly pieces: WordPieces,
    private readonly options: NegativeOptions & { tokens: number },
  ) {
    const classes = given.map((one) => (typeof one === "string" ? { label: one } : one));
    this.classes = new Map(classes.map((one) => [cleanName(one.label), one]));
    this.names = [...this.classes.keys()];
  }

  /**
   * A caption of at most `tokens` tokens with names in random order: as many present names as fit, and some absent names. Names whose
   * objects the picture may show without a box are excluded, unless all names are used in order. Spans are by the given name; `unsure` has
   * the spans of such names.
   */
  captionFor(
    { present, unfinished }: { present: readonly string[]; unfinished: readonly string[] },
    random: Random,
  ): { caption: string; spans: ReadonlyMap<string, Span>; unsure: readonly Span[] } {
    const room = this.options.tokens - SPECIAL_TOKENS;
    const boxed = new Set(present.map(cleanName));
    const unsure = new Set(unfinished.map(cleanName).filter((name) => !boxed.has(name)));
    const positives = this.thatFit(random.shuffled([...boxed]), room);
    const drawn = random.shuffled(this.names).slice(0, this.negativeCount(random));
    const absent = drawn.filter((name) => !boxed.has(name) && !unsure.has(name));
    const left = room - positives.reduce((sum, name) => sum + this.count(name), 0);
    const shuffled = random.shuffled([...positives, ...this.thatFit(absent, left - 1)]);
    const asked = this.options.ordered ? this.inOrder(shuffled, room) : shuffled;
    const { caption, spans } = captionOfClasses(asked.map((name) => this.inWords(name)));
    const places = new Map(asked.map((name, k) => [name, spans[k]!]));
    return {
      caption,
      unsure: [...unsure].flatMap((name) => (places.has(name) ? [places.get(name)!] : [])),
      spans: new Map(
        present.flatMap((name) => {
          const span = places.get(cleanName(name));
          return span ? [[name, span] as const] : [];
        }),
      ),
    };
  }

  /** All names if they fit, else the chosen names. */
  private inOrder(chosen: readonly string[], room: number): readonly string[] {
    // There is no period after the last name.
    if (this.thatFit(this.names, room + 1).length === this.names.length) return this.names;
    return this.names.filter((name) => chosen.includes(name));
  }

  private inWords(name: string): ClassPrompt {
    return this.classes.get(name) ?? { label: name, name };
  }

  private negativeCount(random: Random): number {
    const { most, one, none, all } = this.options;
    const full = Math.min(most, this.names.length);
    const chance = random.unit();
    if (chance < one) return Math.min(1, full);
    if (chance < one + none) return 0;
    if (chance < one + none + all || full === 0) return full;
    return 1 + random.below(full);
  }

  /** The first names that fit into `room` tokens. */
  private thatFit(names: readonly string[], room: number): string[] {
    let used = 0;
    const end = names.findIndex((name) => {
      used += this.count(name);
      return used > room;
    });
    return end < 0 ? [...names] : names.slice(0, end);
  }

  /** Number of tokens of a name and its period. */
  private count(name: string): number {
    const known =
      this.counts.get(name) ??
      this.pieces.encode(`${captionOfClasses([this.inWords(name)]).caption}. `).ids.length - SPECIAL_TOKENS;
    this.counts.set(name, known);
    return known;
  }
}
