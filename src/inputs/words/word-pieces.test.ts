import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import {
  AddedToken,
  bertNormalizer,
  bertPreTokenizer,
  bertProcessing,
  Tokenizer,
  WordPiece,
  wordPieceDecoder,
} from "tokenizers";
import { InputError } from "../../errors.ts";
import { randomTexts } from "./fixtures/random-texts.ts";
import { WordPieces } from "./word-pieces.ts";

const small = readFileSync(new URL("fixtures/vocab.txt", import.meta.url), "utf8");
const full = new URL("../../../../shared/golden/bert/vocab.txt", import.meta.url);
const vocabularies = { "the small": small, ...(existsSync(full) ? { "BERT's": readFileSync(full, "utf8") } : {}) };
const pieces = WordPieces.parse(small);

/** The native tokenizer with the same vocabulary. */
function native(text: string): Tokenizer {
  const vocabulary: Record<string, number> = Object.fromEntries(
    text
      .trimEnd()
      .split("\n")
      .map((piece, id) => [piece, id]),
  );
  const tokenizer = new Tokenizer(WordPiece.init(vocabulary, { unkToken: "[UNK]", maxInputCharsPerWord: 100 }));
  tokenizer.setNormalizer(
    bertNormalizer({ cleanText: true, handleChineseChars: true, stripAccents: true, lowercase: true }),
  );
  tokenizer.setPreTokenizer(bertPreTokenizer());
  tokenizer.setPostProcessor(bertProcessing(["[SEP]", vocabulary["[SEP]"]!], ["[CLS]", vocabulary["[CLS]"]!]));
  tokenizer.setDecoder(wordPieceDecoder("##", false));
  for (const special of ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.addAddedTokens([new AddedToken(special, true, { normalized: false })]);
  return tokenizer;
}

const ALPHABETS = [
  "abcdefghijklmnopqrstuvwxyz",
  "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
  "0123456789",
  " \t\n\r\u00a0\u2003\u3000\u2028\u1680",
  ".,;:!?'\"()[]{}<>@#$%^&*-_=+|\\/~`“”‘’…—–·¿¡«»、。「」",
  "éèêëàâäüöñçåøæœßÉÀÖÑÇİıſǅŁłĐđ",
  "e\u0301a\u0308n\u0303o\u0302\u0327u\u031bi\u0307\u20dd",
  "日本語中文漢字㐀𠀀豈々〆カタカナひらがな",
  "한국어강남각힣ㄱㅏ",
  "русскийЯЁёЙйҐґ",
  "العربيةًٌٍَُעברית",
  "हिन्दीภาษาไทยதமிழ்",
  "😀👍🏽👨‍👩‍👧🇩🇪❤️🏴‍☠️",
  "\0\u0001\u0007\u001b\u007f\u0085\u00ad\u200b\u200d\u200e\u202e\ufeff\ufffd\ue000",
  "ﬁﬃ①½²™℃Å㎏ΣσςΩΩ",
].map((letters) => Array.from(letters));
const WORDS =
  "person bicycle traffic light red car [SEP] [MASK] [mask] the of running unused ##ing playing UPPER café naïve".split(
    " ",
  );

for (const [name, text] of Object.entries(vocabularies)) {
  test(`${name} vocabulary splits thousands of random texts as the native tokenizer does, with its offsets`, async () => {
    const theirs = native(text);
    const ours = WordPieces.parse(text);
    const all = [
      ...randomTexts(4000, { seed: 12345, alphabets: ALPHABETS, words: WORDS }),
      `${"a".repeat(100)} ${"a".repeat(101)}`,
      "",
      " ",
      "\0",
      "a\0b",
      "😀".repeat(300),
    ];
    const encodings = await theirs.encodeBatch(all);
    for (const [k, sample] of all.entries()) {
      const { ids, spans } = ours.encode(sample);
      const context = JSON.stringify(sample);
      assert.deepEqual([...ids], encodings[k]!.getIds(), context);
      assert.deepEqual(spans.slice(1, -1), utf16(sample, encodings[k]!.getOffsets().slice(1, -1)), context);
      if (k % 50 === 0) assert.equal(ours.decode(ids), await theirs.decode([...ids], true), context);
    }
  });
}

/** Offsets in code points as offsets in UTF-16 units. */
function utf16(text: string, offsets: number[][]): number[][] {
  const at = [0];
  for (const character of text) at.push(at.at(-1)! + character.length);
  return offsets.map((pair) => pair.map((place) => at[place]!));
}

test("a caption gets the reference's token ids", () => {
  const caption = "person. bicycle. traffic light. red car.";
  const { ids, spans } = pieces.encode(caption);
  assert.deepEqual([...ids], [101, 879, 117, 880, 117, 887, 616, 117, 611, 674, 117, 102]);
  const words = spans.map((span) => span && caption.slice(...span));
  assert.deepEqual(words, [null, "person", ".", "bicycle", ".", "traffic", "light", ".", "red", "car", ".", null]);
});

test("spans count UTF-16 units of the original text", () => {
  const text = "👍 Ｃafé\u0301 CAR";
  const { spans } = pieces.encode(text);
  assert.deepEqual(spans.at(-2), [text.indexOf("CAR"), text.length]);
});

test("half of a surrogate pair is dropped", () => {
  assert.deepEqual([...pieces.encode("per\ud83dson").ids], [...pieces.encode("person").ids]);
});

test("a vocabulary without its special pieces is refused", () => {
  assert.throws(
    () => new WordPieces(["[PAD]", "[UNK]", "a"]),
    (error) => error instanceof InputError && /lacks \[CLS\], \[SEP\], \[MASK\]/.test(error.message),
  );
});

test("decoding an id outside the vocabulary is refused", () => {
  assert.throws(() => pieces.decode([99999]), InputError);
});
