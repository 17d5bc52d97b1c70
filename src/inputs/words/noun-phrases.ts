/** Noun phrases of a caption, with their characters. Grounding looks for these if no phrases are given. */
import { InputError } from "../../errors.ts";
import { lookUp, type WordClass } from "./word-classes.ts";
import type { Span } from "./word-pieces.ts";

/** Role of a word in its caption; a joint is a possessive 's, or a comma or "and" between adjectives. */
type Role = "determiner" | "modifier" | "noun" | "joint" | "verb" | "preposition" | "mark" | "other";

interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly can: WordClass;
  role: Role;
}

/** What is known about the words before the current one. */
interface Context {
  role: Role;
  /** Whether the current phrase is singular ("a dog"), plural ("two dogs") or unknown ("the sheep"). */
  number: "one" | "many" | "either" | "unknown";
  /** Whether its last noun is a plural. */
  plural: boolean;
  /** Whether its last noun can act (people and animals). */
  agent: boolean;
}

export interface NounPhrase {
  /** With its determiner, as in GLIP's grammar: "a red car". */
  readonly text: string;
  /** The range of `text` in the caption. */
  readonly span: Span;
  /** The range without determiners: "red car". */
  readonly bare: Span;
  /** Its last nouns in lower case, without adjectives: "traffic", "lights" of "two red traffic lights". */
  readonly nouns: readonly string[];
}

const words = (list: string) => new Set(list.split(" "));
const ARTICLES = words("a an the");
const SINGULAR = words("a an one this that another each every");
const PLURAL = words("two three four five six seven eight nine ten twelve several many few both all some these those");
/** Nouns in -ing; any other after a noun is a verb. */
const NOUNS_IN_ING = words(
  "building ceiling painting drawing wedding clothing railing string ring king wing swing spring thing evening morning sling crossing parking landing lighting opening awning frosting icing topping bedding carving covering dressing earring filling kindling offspring pudding stocking wrapping",
);
/** Nouns that only state a position: "in front of", "on the left side". */
const PLACES = words(
  "top bottom front back left right side sides end middle center centre background foreground leftmost rightmost close next order",
);
/** Words that replace a noun or only count one. */
const PRONOUNS = words(
  "it he she they them him i we you us me one ones other others someone somebody something anyone anything everyone everything nobody nothing none half each upside there which who what",
);
/** Collective nouns, which take "is" or "are". */
const GROUPS = words("couple group crowd team family pair");
/** Animals and people whose plural is the same. */
const EITHER = words("people sheep deer fish police");
const AGENT =
  /^(?:man|woman|boy|girl|person|child|kid|toddler|baby|lady|guy|dog|puppy|cat|kitten|cow|horse|bird|bear|elephant|sheep|zebra|giraffe|monkey|couple|family|group|crowd|team|train|bus|plane|[a-z]{2,}(?:er|or|ist|ian))$/;
const BE = words("is are was were be been being am");
const ADVERBS = /ly$|^(?:very|almost|half|too|so)$/;

/** The phrases given, or the noun phrases of the caption. Throws InputError if there are none. */
export function phrasesOf(caption: string, given?: readonly (string | Span)[]): readonly (string | Span)[] {
  const phrases = given ?? nounPhrases(caption).map(({ span }) => span);
  if (phrases.length > 0) return phrases;
  throw new InputError(
    `no noun phrase was found in the caption ${JSON.stringify(caption)}; give the phrases to look for`,
  );
}

/**
 * Noun phrases of an English caption in their order: determiners, modifiers, nouns. A phrase that occurs twice is returned twice. The time is
 * linear in the caption's length.
 *
 * The possible roles of a word come from wink-pos-tagger's lexicon; its neighbours decide between them. The grammar extends GLIP's
 * `{<DT>?<JJ.*>*<NN.*>+}` (`engine/predictor_glip.py`) by numbers, participles, possessives and coordinated adjectives, and leaves out nouns
 * that only state a position ("in front of").
 */
export function nounPhrases(caption: string): NounPhrase[] {
  const all = split(caption);
  assignRoles(all);
  const phrases: NounPhrase[] = [];
  for (let at = 0; at < all.length; ) {
    const { bare, past, next } = phraseFrom(all, at);
    if (past > bare && !PLACES.has(all[past - 1]!.text)) {
      const span: Span = [all[at]!.start, all[past - 1]!.end];
      phrases.push({
        text: caption.slice(...span),
        span,
        bare: [all[bare]!.start, span[1]],
        nouns: lastNouns(all.slice(bare, past)),
      });
    }
    at = next;
  }
  return phrases;
}

/** The nouns at the end of a phrase; of a phrase whose noun is only an adjective in the lexicon its last word. */
function lastNouns(phrase: readonly Word[]): string[] {
  const first = phrase.findLastIndex(({ role }) => role !== "noun") + 1;
  return phrase.slice(Math.min(first, phrase.length - 1)).map(({ text }) => text);
}

/** Words with inner hyphens and apostrophes; a possessive 's or ' and every other mark is separate. */
function split(caption: string): Word[] {
  const found: Word[] = [];
  for (const match of caption.matchAll(/['’]s\b|[\p{L}\p{N}]+(?:(?:-|['’](?!s\b)|\.(?=\d))[\p{L}\p{N}]+)*|\S/gu)) {
    const text = match[0].toLowerCase().replace("’", "'");
    found.push({ text, start: match.index, end: match.index + match[0].length, can: lookUp(text), role: "other" });
  }
  return found;
}

/** The role of each word, left to right, from its possible roles, the words before it and the possible roles of the next. */
function assignRoles(all: Word[]): void {
  const before: Context = { role: "mark", number: "unknown", plural: false, agent: false };
  let joined = false;
  all.forEach((word, k) => {
    const { text } = word;
    word.role = roleOf(all, k, before);
    const opens = before.role !== "determiner" && before.role !== "modifier" && before.role !== "noun";
    if (word.role === "determiner" || word.role === "modifier" || word.role === "noun") {
      if (opens && before.role !== "joint") before.number = joined ? "many" : "unknown";
      if (!joined && SINGULAR.has(text)) before.number = "one";
      else if (PLURAL.has(text) || (word.role === "noun" && word.can.plural && before.number !== "one"))
        before.number = "many";
      if (word.role === "noun") {
        if (GROUPS.has(text) || (EITHER.has(text) && before.number !== "one")) before.number = "either";
        before.plural = word.can.plural;
        before.agent = AGENT.test(text) || before.number === "either";
        joined = false;
      }
    } else if (text === "and" && before.role === "noun") joined = true;
    else if (word.role !== "joint") joined = false;
    before.role = word.role;
  });
}

function roleOf(all: readonly Word[], at: number, before: Context): Role {
  const { text, can } = all[at]!;
  const after = all[at + 1];
  const afterNoun = before.role === "noun";
  const open = before.role === "determiner" || before.role === "modifier" || before.role === "joint";
  if (isLink(all[at]!)) return isJoint(all, at, before) ? "joint" : can.mark ? "mark" : "other";
  if (can.mark) return "mark";
  if (text === "'s") return afterNoun ? "joint" : "mark";
  if (can.determiner && !(text === "her" && after?.can.determiner)) return "determiner";
  if (PRONOUNS.has(text) && !(text === "one" && after && isNounLike(after)) && !(text === "half" && after?.can.past))
    return "other";
  if (/^lots?$/.test(text) && before.role !== "noun" && after?.text === "of") return "other";
  if (can.auxiliary) return "verb";
  if (can.number) return "modifier";
  if (PLACES.has(text) && can.noun)
    return after && isNounLike(after) && open ? "modifier" : open || afterNoun ? "noun" : "other";
  if (can.preposition) return "preposition";
  if (can.participle && !can.noun) return participle(all, at, before);
  if (text.endsWith("ing") && (afterNoun || BE.has(all[at - 1]?.text ?? "")) && !NOUNS_IN_ING.has(text)) return "verb";
  if (can.noun && (can.singularVerb || can.pluralVerb) && isVerb(all, at, before)) return "verb";
  if (can.adjective && !can.noun) return afterNoun ? "other" : "modifier";
  if (can.noun && can.adjectiveFirst && !can.plural) {
    if (after && isLink(after) && !afterNoun && all[at + 2] && leads(all[at + 2]!)) return "modifier";
    if (after && (afterNoun ? isNounLike(after) : leads(after))) return afterNoun ? "noun" : "modifier";
    return open || (afterNoun && (!after || after.can.mark)) ? "noun" : "other";
  }
  if (can.noun) return "noun";
  if (can.adverb) return after && !afterNoun && (open || ADVERBS.test(text)) && leads(after) ? "modifier" : "other";
  return can.singularVerb || can.pluralVerb || can.past ? "verb" : "other";
}

/** Words between coordinated words. */
function isLink({ text }: Word): boolean {
  return text === "," || text === "and" || text === "or" || text === "&";
}

/** Whether a comma or "and" is between adjectives: "red, white and blue flag". */
function isJoint(all: readonly Word[], at: number, before: Context): boolean {
  const after = all[at + 1];
  return before.role === "modifier" && !all[at - 1]!.can.number && after !== undefined && leads(after);
}

/** Whether a word that is a noun or a verb is a verb here. */
function isVerb(all: readonly Word[], at: number, { role, number, plural, agent }: Context): boolean {
  const { can } = all[at]!;
  const after = all[at + 1]?.can.mark ? undefined : all[at + 1];
  if (role === "determiner" || role === "modifier" || role === "joint") return false;
  const object = after !== undefined && (after.can.determiner || after.can.number);
  if (role === "noun") {
    if (after?.can.auxiliary) return false;
    if (can.plural) {
      if (number === "one") return can.singularVerb;
      if (number === "many") return can.singularVerb && can.verbFirst && plural;
      if (object || can.verbFirst) return can.singularVerb;
      return can.singularVerb && agent && after !== undefined && !isNounLike(after);
    }
    if (!can.pluralVerb || number === "one") return can.pluralVerb && object && number !== "one";
    if (number === "many" || number === "either")
      return !after || object || !(isNounLike(after) || after.can.past) || after.can.plural || can.verbFirst;
    return object || (can.verbFirst && after !== undefined);
  }
  const last = all[at - 1]?.text;
  if (last === "to")
    return (
      can.pluralVerb && !/^(?:next|close|attached|tied)$/.test(all[at - 2]?.text ?? "") && (object || can.verbFirst)
    );
  if (role === "other" && last !== undefined && PRONOUNS.has(last)) return can.singularVerb || can.pluralVerb;
  return can.verbFirst && object;
}

/** "parked" before its noun is a modifier, after a noun a verb; "snow covered slope" has it between. */
function participle(all: readonly Word[], at: number, before: Context): Role {
  const { text, can } = all[at]!;
  const after = all[at + 1];
  if (!after || !leads(after)) return before.role === "determiner" && can.adjective ? "modifier" : "verb";
  if (text.endsWith("ing"))
    return before.role === "determiner" || before.role === "modifier" || before.role === "joint" || can.adjective
      ? "modifier"
      : "verb";
  return before.role === "noun" && !isNounLike(after) ? "verb" : "modifier";
}

/** Whether a word can continue a phrase that has no noun yet. */
function leads({ can }: Word): boolean {
  return !can.determiner && !can.preposition && (can.noun || can.adjective || can.participle);
}

function isNounLike({ can, text }: Word): boolean {
  return can.noun && text !== "'s" && !can.determiner && !can.preposition && !can.auxiliary && !PRONOUNS.has(text);
}

/** The phrase that starts at a word: start and end of its part without determiners (equal if there is none), and where to look for the next. */
function phraseFrom(all: readonly Word[], start: number): { bare: number; past: number; next: number } {
  let at = start;
  for (; all[at]?.role === "determiner"; at++) {
    // "throws her a ball": the article starts a new phrase.
    if (at > start && ARTICLES.has(all[at]!.text)) return { bare: at, past: at, next: at };
  }
  const bare = at;
  let past = at;
  for (; at < all.length; at++) {
    const { role } = all[at]!;
    if (role === "noun") past = at + 1;
    else if (role === "modifier" && past === at && past > bare && all[at]!.can.number) break;
    else if (role !== "modifier" && !(role === "joint" && at > bare)) break;
  }
  // "an old wooden", whose noun is only an adjective in the lexicon.
  if (past === bare && bare > start && all[at - 1]!.role === "modifier") past = at;
  return { bare, past, next: past > bare ? past : Math.max(at, start + 1) };
}
