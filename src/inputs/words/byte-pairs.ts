/** CLIP's tokenizer: byte pairs (Sennrich et al. 2016) over the bytes of UTF-8, with the characters that each token stands for. */

import { InputError } from "../../errors.ts";
import { cleanCaption } from "./caption-repair.ts";
import type { Encoding, Span } from "./word-pieces.ts";

export interface BytePairsOptions {
  /** Repair broken characters first, as ftfy does for OpenAI's tokenizer; default true. */
  readonly repair?: boolean;
}

/** How to handle a text that has more tokens than the model accepts. */
export type LongText =
  /** Throw an InputError. */
  | "refuse"
  /** Cut, and replace the last token by the end token: OpenAI's `truncate`. */
  | "end"
  /** Only cut, as RegionCLIP does; its text encoder then reads another token's vector. */
  | "cut";

const START = "<|startoftext|>";
const END = "<|endoftext|>";
const WORD_END = "</w>";
/** OpenAI's file has more merges, which are not used. */
const MOST_MERGES = 48_894;
/** Texts are already lower case, except the long s, which counts as an s. */
const PIECES = /<\|startoftext\|>|<\|endoftext\|>|'(?:[sſt]|re|ve|m|ll|d)|\p{L}+|\p{N}|[^\p{White_Space}\p{L}\p{N}]+/gu;
/** Longer pieces are not cached. */
const MOST_KEPT = 100_000;

/**
 * Splits text into tokens as CLIP does. Token ids follow from the list of merges: the 256 bytes, the same at the end of a word, a token for each
 * merge, start and end. Source: OpenAI `clip/simple_tokenizer.py`.
 */
export class BytePairs {
  readonly #tokens: readonly string[];
  readonly #ids: ReadonlyMap<string, number>;
  readonly #ranks: ReadonlyMap<string, number>;
  readonly #repair: boolean;
  readonly #kept = new Map<string, readonly BytePair[]>();

  /** `merges[rank]` are two tokens with a space between. Throws InputError if a line is not. */
  constructor(merges: readonly string[], { repair = true }: BytePairsOptions = {}) {
    const wrong = merges.findIndex((merge) => !/^\S+ \S+$/.test(merge));
    if (wrong >= 0)
      throw new InputError(`merge ${wrong} of the vocabulary is not a pair of tokens: "${merges[wrong]}"`);
    const ends = ALPHABET.map((character) => character + WORD_END);
    this.#tokens = [...ALPHABET, ...ends, ...merges.map((merge) => merge.replace(" ", "")), START, END];
    this.#ids = new Map(this.#tokens.map((token, id) => [token, id]));
    this.#ranks = new Map(merges.map((merge, rank) => [merge, rank]));
    this.#repair = repair;
  }

  /** Reads the text of OpenAI's `bpe_simple_vocab_16e6.txt` or of a `merges.txt`: a header line, then one merge per line. */
  static parse(text: string, options: BytePairsOptions = {}): BytePairs {
    const lines = text.replace(/\r?\n$/, "").split(/\r?\n/);
    return new BytePairs(lines.slice(1, MOST_MERGES + 1), options);
  }

  /** Number of tokens. */
  get size(): number {
    return this.#tokens.length;
  }

  /** Id of a token, or undefined; a word's last token ends in `</w>`. */
  idOf(token: string): number | undefined {
    return this.#ids.get(token);
  }

  /**
   * Tokens of a text, between the start and end token. Nothing is truncated. The names of these two tokens in the text become the tokens.
   */
  encode(text: string): Encoding {
    const ids = [this.size - 2];
    const spans: (Span | null)[] = [null];
    const clean = cleanCaption(text, { repair: this.#repair });
    for (const { 0: piece, index } of clean.text.matchAll(PIECES))
      for (const { id, start, end } of this.#pairsOf(piece)) {
        ids.push(id);
        spans.push(clean.spanOf(index + start, index + end));
      }
    ids.push(this.size - 1);
    spans.push(null);
    return { ids: Int32Array.from(ids), spans };
  }

  /**
   * Rows of `length` tokens [texts, length] for a text encoder, with zeros after the end. Throws an InputError that names the text if one
   * is too long and the option is "refuse".
   */
  rows(texts: readonly string[], { length, long }: { length: number; long: LongText }): BigInt64Array {
    const rows = new BigInt64Array(texts.length * length);
    texts.forEach((text, row) => {
      const { ids } = this.encode(text);
      if (ids.length > length && long === "refuse") throw tooLong(text, ids.length, length);
      const kept = ids.slice(0, length);
      if (ids.length > length && long === "end") kept[length - 1] = this.size - 1;
      rows.set(BigInt64Array.from(kept, BigInt), row * length);
    });
    return rows;
  }

  /** The text of tokens, with a space after each word; start and end are written out. Throws InputError for an unknown id. */
  decode(ids: Iterable<number>): string {
    const bytes: number[] = [];
    for (const id of ids) {
      const token = this.#tokens[id];
      if (token === undefined) throw new InputError(`token ${id} is outside the vocabulary of ${this.size} tokens`);
      const word = token.endsWith(WORD_END);
      for (const character of word ? token.slice(0, -WORD_END.length) : token) bytes.push(BYTES.get(character)!);
      if (word) bytes.push(0x20);
    }
    return new TextDecoder().decode(Uint8Array.from(bytes));
  }

  #pairsOf(piece: string): readonly BytePair[] {
    const known = this.#kept.get(piece);
    if (known) return known;
    const special = piece === START || piece === END ? this.#ids.get(piece) : undefined;
    const found = special === undefined ? this.#merge(piece) : [{ id: special, start: 0, end: piece.length }];
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
    this.#kept.set(piece, found);
    return found;
  }

  /** Joins all pairs of the lowest rank, from left to right, until no known pair is left. */
  #merge(piece: string): BytePair[] {
    const parts: (Part | undefined)[] = partsOf(piece);
    /** Of each part, the places of its neighbours. */
    const before = parts.map((_, i) => i - 1);
    const after = parts.map((_, i) => i + 1);
    /** Places of the first parts of pairs, by rank: a long piece is not searched again for each rank. */
    const places = new Map<number, number[]>();
    const rankAt = (i: number) => {
      const second = parts[after[i]!];
      return second && this.#ranks.get(`${parts[i]!.token} ${second.token}`);
    };
    const note = (i: number) => {
      const rank = rankAt(i);
      if (rank === undefined) return;
      const known = places.get(rank);
      if (known) known.push(i);
      else places.set(rank, [i]);
    };
    for (let i = 0; i < parts.length; i++) note(i);
    while (places.size > 0) {
      let best = Infinity;
      for (const rank of places.keys()) best = Math.min(best, rank);
      const joined = places.get(best)!.sort((a, b) => a - b);
      places.delete(best);
      const made = joined.filter((i) => {
        // An earlier pair may have taken one of the two parts.
        if (!parts[i] || rankAt(i) !== best) return false;
        const second = after[i]!;
        parts[i] = { token: parts[i].token + parts[second]!.token, start: parts[i].start, end: parts[second]!.end };
        parts[second] = undefined;
        after[i] = after[second]!;
        before[after[i]!] = i;
        return true;
      });
      for (const i of made) {
        note(i);
        if (before[i]! >= 0) note(before[i]!);
      }
    }
    return parts
      .filter((part) => part !== undefined)
      .map(({ token, start, end }) => ({ id: this.#ids.get(token)!, start, end }));
  }
}

/** A token of a piece and the UTF-16 units of the piece that it covers; a character split over tokens belongs to each. */
interface BytePair {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

interface Part {
  readonly token: string;
  readonly start: number;
  readonly end: number;
}

/** A printable character for each byte, in the order of their ids: printable bytes first, then the others. */
const PRINTABLE = [...range(33, 127), ...range(161, 173), ...range(174, 256)];
const HIDDEN = range(0, 256).filter((byte) => !PRINTABLE.includes(byte));
const ALPHABET = [...PRINTABLE, ...HIDDEN.map((_, i) => 256 + i)].map((code) => String.fromCharCode(code));
const BYTES = new Map([...PRINTABLE, ...HIDDEN].map((byte, i) => [ALPHABET[i]!, byte]));
const CHARACTERS = new Map([...BYTES].map(([character, byte]) => [byte, character]));

/** The bytes of a piece, the last marked as the end of a word. */
function partsOf(piece: string): Part[] {
  const encoder = new TextEncoder();
  const parts: Part[] = [];
  let start = 0;
  for (const character of piece) {
    const end = start + character.length;
    for (const byte of encoder.encode(character)) parts.push({ token: CHARACTERS.get(byte)!, start, end });
    start = end;
  }
  const last = parts.pop()!;
  return [...parts, { ...last, token: last.token + WORD_END }];
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}

function tooLong(text: string, tokens: number, length: number): InputError {
  const shown = text.length > 80 ? `${text.slice(0, 77)}…` : text;
  return new InputError(
    `"${shown}" has ${tokens} tokens, and the model reads ${length}; shorten it or allow it to be truncated`,
  );
}
