/** A seeded generator (xoshiro128**) whose state can be saved: the same numbers on every machine. */

import { RecipeError } from "../errors.ts";

/** The state of a generator: four unsigned 32-bit numbers. */
export type RandomState = readonly [number, number, number, number];

/** A stream of random numbers that depends only on its seed. */
export class Random {
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;

  /** A seed can have several numbers or words: `new Random(7, "train", 12)` is stream 12 of its kind. */
  constructor(...seeds: readonly (number | string)[]) {
    let mixed = 0x9e3779b9;
    for (const seed of seeds) for (const word of wordsOf(seed)) mixed = scramble((mixed ^ word) + 0x9e3779b9);
    const next = () => {
      mixed = (mixed + 0x9e3779b9) | 0;
      return scramble(mixed);
    };
    this.state = [next() | 1, next(), next(), next()];
  }

  /** The current state; `restore` continues the same stream from it. */
  get state(): RandomState {
    return [this.#a, this.#b, this.#c, this.#d];
  }

  /** Continues from a saved state. */
  set state([a, b, c, d]: RandomState) {
    if (!(a | b | c | d)) throw new RecipeError("a random state cannot be four zeros; restore a saved state");
    this.#a = a >>> 0;
    this.#b = b >>> 0;
    this.#c = c >>> 0;
    this.#d = d >>> 0;
  }

  /** The next unsigned 32-bit number (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018). */
  next(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b = (this.#b ^ this.#c) >>> 0;
    this.#a = (this.#a ^ this.#d) >>> 0;
    this.#c = (this.#c ^ shifted) >>> 0;
    this.#d = ((this.#d << 11) | (this.#d >>> 21)) >>> 0;
    return result;
  }

  /** A number in [0, 1). */
  unit(): number {
    return this.next() / 4294967296;
  }

  /** A number in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** A whole number in [0, count). */
  below(count: number): number {
    return Math.floor(this.unit() * count);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /** One of the items, all equally likely. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RecipeError("cannot pick from an empty list");
    return items[this.below(items.length)] as T;
  }

  /** A new list with the same items in a random order. */
  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [result[i], result[j]] = [result[j] as T, result[i] as T];
    }
    return result;
  }
}

/** MurmurHash3's final mix: every input bit affects every output bit. */
function scramble(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function wordsOf(seed: number | string): number[] {
  if (typeof seed === "number") return [seed >>> 0, Math.floor(seed / 4294967296) >>> 0];
  return Array.from(seed, (letter) => letter.codePointAt(0) ?? 0);
}
