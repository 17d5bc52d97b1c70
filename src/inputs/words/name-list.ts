/** The names that a model was trained on, synonyms for its companion's classes, and emoji: `names.json` of a model folder. */

import { plainNames } from "./plain-names.ts";
import type { ClassPrompt } from "./prompts.ts";

/** As in the file. */
export interface StoredNames {
  /** Names in the training data. */
  trained: string[];
  /** Synonyms for use in photos, by name of the companion's class. */
  photos: Record<string, string[]>;
  /** Names by emoji, without variation selectors and skin tones. */
  emoji: Record<string, string>;
}

/** Variation selectors and skin tones: the same thing in another look. */
const LOOKS = /[\uFE0E\uFE0F\u{1F3FB}-\u{1F3FF}]/gu;
/** The words after these describe the thing but do not name it: "glass of milk", "man with a hat". */
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

  /** The name for a label that is only emoji ("🐱" is "cat"), or the label itself. */
  spelledOut(label: string): string {
    return this.emoji.get(label.trim().replace(LOOKS, "")) ?? label;
  }

  /** Classes with their labels unchanged and emoji replaced by names in the prompt. */
  allSpelledOut(classes: readonly (string | ClassPrompt)[]): (string | ClassPrompt)[] {
    return classes.map((label) => {
      if (typeof label !== "string") return label;
      const name = this.spelledOut(label);
      return name === label ? label : { label, name };
    });
  }

  /** Whether it names a trained thing, perhaps with other words: "red dog", "dogs on a beach". */
  knows(label: string): boolean {
    const whole = label.replaceAll("_", " ").trim();
    return [whole, whole.split(BEHIND)[0]!].some((name) => {
      const words = name.split(/\s+/);
      return words.some((_, k) => plainNames(words.slice(k).join(" ")).some((one) => this.known.has(one)));
    });
  }

  /** The companion's class for a more specific or differently written word: "person" for "two men". */
  inPhotos(label: string): string | undefined {
    return plainNames(label)
      .map((name) => this.photos.get(name))
      .find((name) => name !== undefined);
  }
}
