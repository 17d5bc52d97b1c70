/** Noun phrases of a caption, with their characters: what grounding looks for when no phrases are given. */
import { createRequire } from "node:module";
import { InputError } from "../errors.ts";
import type { Span } from "./word-pieces.ts";

/** What a word does in a noun phrase: a joint is a possessive 's or an "and" between adjectives; "-" ends the phrase. */
type Role = "modifier" | "noun" | "joint" | "-";

interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Penn Treebank tag. */
  tag: string;
}

const words = (list: string) => new Set(list.split(" "));
const DETERMINERS = words(
  "a an the this that these those some any each every both all several many few no another other my your his her its our their whose",
);
const ARTICLES = words("a an the");
const SINGULAR = words("a an one this that another each every");
/** Nouns in -ing; any other after a noun is a verb. */
const NOUNS_IN_ING = words(
  "building ceiling painting drawing wedding clothing railing string ring king wing swing spring thing evening morning sling crossing parking landing lighting opening awning frosting icing topping bedding carving covering dressing earring filling kindling offspring pudding stocking wrapping",
);
/** Verbs that the tagger takes for nouns. */
const BARE_VERBS = words("cut hit put let set shut cast lead feed ride walk play run talk watch look smile wait");
/** Nouns that only say where something is: "in front of", "on the left". */
const PLACES = words(
  "front top left right middle center centre background foreground leftmost rightmost close next order",
);
const AGENT =
  /^(?:man|woman|boy|girl|person|child|kid|baby|lady|guy|dog|cat|cow|horse|bird|bear|elephant|sheep|zebra|giraffe|couple|family|group|crowd|team|[a-z]{2,}(?:er|or|ist|ian))$/;

/** The phrases given, or the noun phrases of the caption. Throws InputError where there is none. */
export function phrasesOf(caption: string, given?: readonly (string | Span)[]): readonly (string | Span)[] {
  const phrases = given ?? nounPhrases(caption).map(({ span }) => span);
  if (phrases.length > 0) return phrases;
  throw new InputError(
    `no noun phrase was found in the caption ${JSON.stringify(caption)}; give the phrases to look for`,
  );
}

/**
 * Noun phrases of an English caption in their order: an optional determiner, modifiers, nouns. A phrase that occurs twice is there twice.
 * Words are tagged by wink-pos-tagger; the grammar widens GLIP's `{<DT>?<JJ.*>*<NN.*>+}` (`engine/predictor_glip.py`) by numbers, participles
 * and possessives, and leaves out nouns that only say where ("in front of").
 */
export function nounPhrases(caption: string): { text: string; span: Span }[] {
  const tagged = tag(caption);
  repair(tagged);
  const phrases: { text: string; span: Span }[] = [];
  for (let at = 0; at < tagged.length; ) {
    const past = phraseFrom(tagged, at);
    if (past === at) {
      at++;
      continue;
    }
    const last = tagged[past - 1]!;
    const span: Span = [tagged[at]!.start, last.end];
    if (!PLACES.has(last.text)) phrases.push({ text: caption.slice(...span), span });
    at = past;
  }
  return phrases;
}

interface Tagger {
  tagRawTokens(words: string[]): { pos: string }[];
}

let tagger: Tagger | undefined;

/** The tagger, whose lexicon takes a tenth of a second to read, at first use. */
function loadedTagger(): Tagger {
  const make: () => Tagger = createRequire(import.meta.url)("wink-pos-tagger");
  return make();
}

function tag(caption: string): Word[] {
  // Words with inner hyphens and apostrophes, a possessive 's apart, and every other mark by itself.
  const found = [...caption.matchAll(/['’]s\b|[\p{L}\p{N}]+(?:(?:-|['’](?!s\b)|\.(?=\d))[\p{L}\p{N}]+)*|\S/gu)];
  tagger ??= loadedTagger();
  const texts = found.map((match) => match[0].toLowerCase().replace("’", "'"));
  const tags = tagger.tagRawTokens(texts);
  return found.map((match, k) => {
    const text = texts[k]!;
    const tag = /[\p{L}\p{N}]/u.test(text) ? tags[k]!.pos : ".";
    return { text, start: match.index, end: match.index + match[0].length, tag: text === "'s" ? "POS" : tag };
  });
}

/** Mends what the tagger gets wrong in captions, mostly verbs taken for nouns. */
function repair(tagged: Word[]): void {
  tagged.forEach((word, k) => {
    const before = tagged[k - 1];
    const after = tagged[k + 1];
    const afterNoun = before?.tag.startsWith("NN");
    if (word.tag === "VBZ" && afterNoun && after && /^VB[PZD]?$/.test(after.tag)) word.tag = "NNS";
    else if (word.text.endsWith("ing") && word.tag === "NN" && afterNoun && !NOUNS_IN_ING.has(word.text))
      word.tag = "VBG";
    else if (word.tag === "NNS" && afterNoun && isVerb(tagged, k)) word.tag = "VBZ";
    else if (word.tag === "NN" && afterNoun && after && isDeterminer(after) && BARE_VERBS.has(word.text))
      word.tag = "VBP";
    else if (/^(?:RB|VBP?)$/.test(word.tag) && before?.tag === "PRP$" && !(after && isNoun(after))) word.tag = "NN";
    else if (word.tag.startsWith("NN") && word.text.includes("-") && after && isNoun(after)) word.tag = "JJ";
  });
}

/** Whether a plural after a noun is a verb in the third person: "the girl brushes her teeth", "a cow grazes in". */
function isVerb(tagged: readonly Word[], at: number): boolean {
  const after = tagged[at + 1];
  if (after === undefined || (isNoun(after) && !PLACES.has(after.text))) return false;
  if (isDeterminer(after)) return true;
  if (!/^(?:IN|TO|RP|RB|JJ)$/.test(after.tag) && !PLACES.has(after.text)) return false;
  let first = at;
  while (first > 0 && /^(?:NN|JJ|VB[DGN]|CD)/.test(tagged[first - 1]!.tag)) first--;
  return SINGULAR.has(tagged[first - 1]?.text ?? "") || AGENT.test(tagged[at - 1]!.text);
}

/** Past the end of the phrase that begins at a word, or that place itself when none does. */
function phraseFrom(tagged: readonly Word[], start: number): number {
  let at = start;
  let determined = false;
  for (; tagged[at] && isDeterminer(tagged[at]!); at++) {
    // "throws her a ball": the article begins anew.
    if (determined && ARTICLES.has(tagged[at]!.text) && tagged[at - 1]!.tag === "PRP$") return start;
    determined = true;
  }
  const first = at;
  let past = start;
  for (; at < tagged.length; at++) {
    const role = roleOf(tagged, at, first, determined);
    if (role === "-") break;
    if (role === "noun") past = at + 1;
  }
  // "an old wooden pier" whose noun the tagger took for an adjective.
  if (past === start && determined && at > first) past = at;
  return past;
}

function roleOf(tagged: readonly Word[], at: number, first: number, determined: boolean): Role {
  const word = tagged[at]!;
  const before = at > first ? tagged[at - 1]! : undefined;
  const after = tagged[at + 1];
  if (isNoun(word)) return "noun";
  if (word.tag === "POS" && before) return "joint";
  if (word.text === "and" && before?.tag.startsWith("JJ") && after?.tag.startsWith("JJ")) return "joint";
  if (/^(?:JJ|CD)/.test(word.tag)) return before && isNoun(before) ? "-" : "modifier";
  if (!after) return "-";
  const leads = isNoun(after) || /^(?:JJ|VB[DN])/.test(after.tag);
  if (word.tag === "VBN" && leads) return "modifier";
  const opens = before === undefined ? determined : !isNoun(before);
  return opens && leads && /^(?:VB[DG]|RB)/.test(word.tag) ? "modifier" : "-";
}

function isDeterminer(word: Word): boolean {
  return DETERMINERS.has(word.text) || word.tag === "PRP$";
}

function isNoun(word: Word): boolean {
  return word.tag.startsWith("NN") && !DETERMINERS.has(word.text);
}
