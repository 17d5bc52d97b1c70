/** The names that a model was trained on, other words for those of its companion, and emoji: `names.json` of a model folder. */

import { z } from "zod";
import { plainNames } from "./plain-names.ts";
import type { ClassPrompt } from "./prompts.ts";

export const nameListSchema = z.strictObject({
  /** Names that training showed. */
  trained: z.array(z.string().min(1)),
  /** By the name of a companion's class, more words that mean it in photos. */
  photos: z.record(z.string(), z.array(z.string().min(1))),
  /** By an emoji, without variation selectors and skin tones, the name that it stands for. */
  emoji: z.record(z.string(), z.string().min(1)),
});

/** As the file holds them. */
export type StoredNames = z.infer<typeof nameListSchema>;

/** Variation selectors and skin tones: the same thing in another look. */
const LOOKS = /[\uFE0E\uFE0F\u{1F3FB}-\u{1F3FF}]/gu;
/** What follows says which thing it is, not what: "glass of milk", "man with a hat". */
const BEHIND = /\s(?:of|with|in|on|at|from|behind|beside|near|under)\s/;

/** Looks up what a model knows. */
export class NameList {
  private readonly known: ReadonlySet<string>;
  private readonly emoji: ReadonlyMap<string, string>;
  private readonly photos: ReadonlyMap<string, string>;

  /** `classes` are the names of a companion's classes, several for each. */
  constructor({ trained, photos, emoji }: StoredNames, classes: readonly (readonly string[])[] = []) {
    this.photos = new Map(
      Object.entries(photos).flatMap(([name, words]) => words.map((word) => [word, name] as const)),
    );
    this.known = new Set([...trained, ...this.photos.keys(), ...classes.flat()].map((name) => name.toLowerCase()));
    this.emoji = new Map(Object.entries(emoji));
  }

  /** The name that a label of emoji alone stands for ("🐱" is "cat"), or the label itself. */
  spelledOut(label: string): string {
    return this.emoji.get(label.trim().replace(LOOKS, "")) ?? label;
  }

  /** Classes that are called as they were given, and asked for by the names of their emoji. */
  allSpelledOut(classes: readonly (string | ClassPrompt)[]): (string | ClassPrompt)[] {
    return classes.map((label) => {
      if (typeof label !== "string") return label;
      const name = this.spelledOut(label);
      return name === label ? label : { label, name };
    });
  }

  /** Whether it names a thing that was learned, perhaps with words before or behind it: "red dog", "dogs on a beach". */
  knows(label: string): boolean {
    const whole = label.replaceAll("_", " ").trim();
    return [whole, whole.split(BEHIND)[0]!].some((name) => {
      const words = name.split(/\s+/);
      return words.some((_, k) => plainNames(words.slice(k).join(" ")).some((one) => this.known.has(one)));
    });
  }

  /** What a companion looks for in place of a word that means less, or is written otherwise: "person" for "two men". */
  inPhotos(label: string): string | undefined {
    return plainNames(label)
      .map((name) => this.photos.get(name))
      .find((name) => name !== undefined);
  }
}
