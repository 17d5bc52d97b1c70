/** The tokenizer of bert-base-uncased (WordPiece), with the characters that each token stands for. */
import { InputError } from "../../errors.ts";

/** Start and end (exclusive) in a string, in UTF-16 units as JavaScript counts them. */
export type Span = readonly [start: number, end: number];

export interface Encoding {
  /** Token ids, [CLS] first and [SEP] last. */
  readonly ids: Int32Array;
  /** Characters of the original text that each token covers; null for [CLS] and [SEP]. */
  readonly spans: readonly (Span | null)[];
}

/** A character after normalisation, with its place in the original text. */
interface Character {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] as const;
/** Longer words become one [UNK]. */
const LONGEST_WORD = 100;
const CHINESE =
  /[\u4E00-\u9FFF\u3400-\u4DBF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B81F}\u{2B920}-\u{2CEAF}\uF900-\uFAFF\u{2F800}-\u{2FA1F}]/u;
const DROPPED = /[\0\uFFFD\p{Cc}\p{Cf}\p{Co}\p{Cs}]/u;
/** White space. Control characters other than tab and line ends are dropped instead. */
const SPACE = /[\t\n\r\p{Z}]/u;
const PUNCTUATION = /[\p{P}!-/:-@[-`{-~]/u;
const ACCENTS = /\p{Mn}/gu;

/**
 * Splits text into tokens as bert-base-uncased does: control characters dropped, Chinese characters separated, lower case, accents
 * stripped, words split at white space and punctuation and then into the longest known pieces.
 * Source: Devlin et al. 2018, `tokenization.py`; offsets as in the Hugging Face tokenizers library.
 */
export class WordPieces {
  readonly #pieces: readonly string[];
  readonly #ids: ReadonlyMap<string, number>;
  readonly #longest: number;

  /** `pieces[id]` is the piece with that id. Throws InputError if a special piece such as [CLS] is missing. */
  constructor(pieces: readonly string[]) {
    this.#pieces = pieces;
    this.#ids = new Map(pieces.map((piece, id) => [piece, id]));
    this.#longest = pieces.reduce((longest, piece) => Math.max(longest, piece.length), 0);
    const missing = SPECIAL.filter((piece) => !this.#ids.has(piece));
    if (missing.length) throw new InputError(`the vocabulary of ${pieces.length} pieces lacks ${missing.join(", ")}`);
  }

  /** Reads the text of a `vocab.txt`: one piece per line, numbered from 0. */
  static parse(text: string): WordPieces {
    return new WordPieces(text.replace(/\r?\n$/, "").split(/\r?\n/));
  }

  /** Number of pieces. */
  get size(): number {
    return this.#pieces.length;
  }

  /** Id of a piece, or undefined. */
  idOf(piece: string): number | undefined {
    return this.#ids.get(piece);
  }

  /**
   * Tokens of a text, between [CLS] and [SEP]. Nothing is truncated. The names of special pieces in the text, such as "[MASK]", become
   * those pieces.
   */
  encode(text: string): Encoding {
    const ids = [this.#special("[CLS]")];
    const spans: (Span | null)[] = [null];
    const put = (id: number, span: Span | null) => {
      ids.push(id);
      spans.push(span);
    };
    let at = 0;
    for (const part of text.split(/(\[(?:PAD|UNK|CLS|SEP|MASK)\])/)) {
      const special = SPECIAL.find((piece) => piece === part);
      if (special) put(this.#special(special), [at, at + part.length]);
      else for (const word of wordsOf(part, at)) for (const token of this.#tokensOf(word)) put(...token);
      at += part.length;
    }
    put(this.#special("[SEP]"), null);
    return { ids: Int32Array.from(ids), spans };
  }

  /** The text of tokens: pieces of a word joined, spaces between words, without special pieces. Throws InputError for an unknown id. */
  decode(ids: Iterable<number>): string {
    let text = "";
    for (const id of ids) {
      const piece = this.#pieces[id];
      if (piece === undefined) throw new InputError(`token ${id} is outside the vocabulary of ${this.size} pieces`);
      if (SPECIAL.some((special) => special === piece)) continue;
      text += piece.startsWith("##") ? piece.slice(2) : ` ${piece}`;
    }
    return text.trimStart();
  }

  #special(piece: (typeof SPECIAL)[number]): number {
    return this.#ids.get(piece)!;
  }

  /** The longest known pieces of a word, or one [UNK] for all of it. */
  #tokensOf(word: readonly Character[]): [id: number, span: Span][] {
    const found: [number, Span][] = [];
    let first = 0;
    while (first < word.length && word.length <= LONGEST_WORD) {
      const match = this.#longestPiece(word, first);
      if (!match) break;
      found.push([match.id, [word[first]!.start, word[match.past - 1]!.end]]);
      first = match.past;
    }
    return first === word.length ? found : [[this.#special("[UNK]"), [word[0]!.start, word.at(-1)!.end]]];
  }

  #longestPiece(word: readonly Character[], first: number): { id: number; past: number } | undefined {
    for (let past = Math.min(word.length, first + this.#longest); past > first; past--) {
      const text = word.slice(first, past).map((character) => character.text);
      const id = this.#ids.get((first > 0 ? "##" : "") + text.join(""));
      if (id !== undefined) return { id, past };
    }
    return undefined;
  }
}

/** Words and punctuation marks of a text that starts at `offset` of the whole text. */
function wordsOf(text: string, offset: number): Character[][] {
  const words: Character[][] = [];
  let word: Character[] = [];
  const close = () => {
    if (word.length) words.push(word);
    word = [];
  };
  let end = offset;
  for (const original of text) {
    const start = end;
    end += original.length;
    if (SPACE.test(original)) {
      close();
      continue;
    }
    if (DROPPED.test(original)) continue;
    const alone = CHINESE.test(original);
    if (alone) close();
    for (const normal of original.normalize("NFD").replace(ACCENTS, "")) {
      for (const character of normal.toLowerCase()) {
        const mark = PUNCTUATION.test(character);
        if (mark) close();
        word.push({ text: character, start, end });
        if (mark) close();
      }
    }
    if (alone) close();
  }
  close();
  return words;
}
