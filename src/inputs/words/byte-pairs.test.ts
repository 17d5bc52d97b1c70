import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Tokenizer } from "tokenizers";
import { InputError } from "../../errors.ts";
import { BytePairs } from "./byte-pairs.ts";
import { randomTexts } from "./fixtures/random-texts.ts";

interface Case {
  text: string;
  ids: number[];
  ids_without_ftfy?: number[];
  decoded: string;
  openai_truncated?: number[];
  regionclip_cut?: number[];
}

const shipped = gunzipSync(readFileSync(new URL("../../../assets/clip/merges.txt.gz", import.meta.url))).toString();
const golden = new URL("../../../../shared/golden/clip/", import.meta.url);
const ours = new URL("fixtures/clip-tokens.json", import.meta.url);
const stored = existsSync(golden) ? [ours, new URL("tokens.json", golden)] : [ours];
const cases: Case[] = stored.flatMap((file) => JSON.parse(readFileSync(file, "utf8")));
const pairs = BytePairs.parse(shipped);
const unrepaired = BytePairs.parse(shipped, { repair: false });

/** Texts decoded in the wrong encoding, which only the complete ftfy repairs. */
const MOJIBAKE = /Ã|â€/;

test("texts get the reference's token ids, without ftfy's repair", () => {
  for (const { text, ids, ids_without_ftfy } of cases)
    assert.deepEqual([...unrepaired.encode(text).ids], ids_without_ftfy ?? ids, JSON.stringify(text));
});

test("texts get the reference's token ids, with our part of ftfy's repair", () => {
  for (const { text, ids } of cases)
    if (!MOJIBAKE.test(text)) assert.deepEqual([...pairs.encode(text).ids], ids, JSON.stringify(text));
});

test("token ids are decoded to the reference's text", () => {
  for (const { ids, decoded } of cases) assert.equal(pairs.decode(ids.slice(1, -1)), decoded);
});

test("long texts are refused, truncated with an end token, or truncated, by the option", () => {
  const long = cases.filter(({ openai_truncated }) => openai_truncated);
  assert.ok(long.length > 0);
  for (const { text, openai_truncated, regionclip_cut } of long) {
    const rows = (kind: "end" | "cut") => Array.from(unrepaired.rows([text], { length: 77, long: kind }), Number);
    assert.deepEqual(rows("end"), openai_truncated);
    assert.deepEqual(rows("cut"), regionclip_cut);
    assert.throws(() => pairs.rows([text], { length: 77, long: "refuse" }), InputError);
  }
});

test("rows are padded with zeros after the end", () => {
  const rows = pairs.rows(["a cat", "dogs"], { length: 6, long: "refuse" });
  assert.deepEqual(Array.from(rows, Number), [49406, 320, 2368, 49407, 0, 0, 49406, 3255, 49407, 0, 0, 0]);
});

test("a shorter list of merges gives a smaller vocabulary, with start and end as its last two tokens", () => {
  const small = BytePairs.parse(shipped.split("\n").slice(0, 487).join("\n"));
  assert.deepEqual([small.size, small.idOf("<|startoftext|>"), small.idOf("<|endoftext|>")], [1000, 998, 999]);
  assert.deepEqual([...small.encode("the").ids], [998, small.idOf("the</w>"), 999]);
});

test("a line that is not a merge is refused", () => {
  assert.throws(() => BytePairs.parse("#version: 0.2\na b\nabc\n"), {
    name: "InputError",
    message: 'merge 1 of the vocabulary is not a pair of tokens: "abc"',
  });
});

test("decoding an id outside the vocabulary is refused", () => {
  assert.throws(() => pairs.decode([49408]), InputError);
});

test("spans count UTF-16 units of the original text", () => {
  const text = "👍  İstanbul’s &amp; “CAFE\u0301” ﬁne";
  const { ids, spans } = pairs.encode(text);
  const words = Array.from(ids, (id, k) => [pairs.decode([id]), spans[k] && text.slice(...spans[k])]);
  assert.deepEqual(words.slice(1, -1), [
    ["👍 ", "👍"],
    ["i ", "İ"],
    ["̇ ", "İ"],
    ["stanbul ", "stanbul"],
    ["'s ", "’s"],
    ["& ", "&amp;"],
    ['" ', "“"],
    ["café ", "CAFE\u0301"],
    ['" ', "”"],
    ["fine ", "ﬁne"],
  ]);
});

const ALPHABETS = [
  "abcdefghijklmnopqrstuvwxyz",
  "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
  "0123456789²½Ⅷ٣",
  " \t\n\r\u00a0\u2003\u3000\u2028\u1680\u0085",
  ".,;:!?'\"()[]{}<>@#$%^*-_=+|\\/~`“”‘’…—–·¿¡«»、。「」",
  "éèêëàâäüöñçåøæœßÉÀÖÑÇİıſǅŁłĐđ",
  "e\u0301a\u0308n\u0303o\u0302\u0327u\u031bi\u0307\u20dd\u0345",
  "日本語中文漢字㐀𠀀豈々〆カタカナひらがな",
  "한국어강남각힣ㄱㅏ",
  "русскийЯЁёЙйҐґ",
  "العربيةًٌٍَُעברית",
  "हिन्दीภาษาไทยதமிழ்",
  "😀👍🏽👨‍👩‍👧🇩🇪❤️🏴‍☠️",
  "\u0001\u0007\u007f\u00ad\u200b\u200d\u202e\ufeff\ufffd\ue000\u180e",
  "ﬁﬃ①™℃Å㎏σςωⓐⒶ",
].map((letters) => Array.from(letters));
/** Only the native tokenizer finds this token between other characters, so a space is put before it. */
const WORDS = [
  ..."a photo of the person. it's don't we'll I'VE they'd traffic light UPPER café naïve jekyll habib".split(" "),
  " <|endoftext|>",
];

/** The native tokenizer with the settings of the published models' `tokenizer.json`, but without NFC, which is part of ftfy here. */
function native(): Tokenizer {
  const merges = shipped.split("\n").slice(1);
  const printable = [...range(33, 127), ...range(161, 173), ...range(174, 256)];
  const alphabet = [...printable, ...range(256, 256 + 68)].map((code) => String.fromCharCode(code));
  const ends = alphabet.map((letter) => `${letter}</w>`);
  const marks = ["<|startoftext|>", "<|endoftext|>"];
  const tokens = [...alphabet, ...ends, ...merges.map((merge) => merge.replace(" ", "")), ...marks];
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const pattern = { Regex: "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+" };
  const added = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const [start, end] = [49406, 49407];
  return Tokenizer.fromString(
    JSON.stringify({
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: marks.map((content, i) => ({ id: start + i, content, ...added })),
      normalizer: {
        type: "Sequence",
        normalizers: [{ type: "Replace", pattern: { Regex: "\\s+" }, content: " " }, { type: "Lowercase" }],
      },
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [
          { type: "Split", pattern, behavior: "Removed", invert: true },
          { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
        ],
      },
      post_processor: {
        type: "RobertaProcessing",
        sep: [marks[1], end],
        cls: [marks[0], start],
        trim_offsets: false,
        add_prefix_space: false,
      },
      decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
      model: { type: "BPE", dropout: null, unk_token: "<|endoftext|>", end_of_word_suffix: "</w>", vocab, merges },
    }),
  );
}

test("ten thousand random texts are split as by the native tokenizer, with its offsets", async () => {
  const theirs = native();
  const all = [
    ...randomTexts(10_000, { seed: 54321, alphabets: ALPHABETS, words: WORDS }),
    "",
    " ",
    "a".repeat(300),
    "😀".repeat(100),
  ];
  const encodings = await theirs.encodeBatch(all);
  for (const [k, sample] of all.entries()) {
    const { ids, spans } = unrepaired.encode(sample);
    const context = JSON.stringify(sample);
    assert.deepEqual([...ids], encodings[k]!.getIds(), context);
    assert.deepEqual(spans.slice(1, -1), utf16(sample, encodings[k]!.getOffsets().slice(1, -1)), context);
  }
});

test("a word of 60,000 letters takes a moment, and is split as by the native tokenizer", async () => {
  const letters = Array.from({ length: 60_000 }, (_, i) => String.fromCharCode(97 + ((i * i * 7 + i * 31) % 26)));
  const word = letters.map((letter, i) => (i % 7 === 3 ? "e" : letter)).join("");
  const before = process.cpuUsage();
  const { ids } = unrepaired.encode(word);
  const { user } = process.cpuUsage(before);
  assert.ok(user < 5e6, `${user / 1e6} s`);
  assert.deepEqual([...ids], (await native().encode(word)).getIds());
});

/** Offsets in code points as offsets in UTF-16 units. */
function utf16(text: string, offsets: number[][]): number[][] {
  const at = [0];
  for (const character of text) at.push(at.at(-1)! + character.length);
  return offsets.map((pair) => pair.map((place) => at[place]!));
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}
