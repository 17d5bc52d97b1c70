/** Possible word classes of English words, from the lexicon of wink-pos-tagger. */

import { InputError } from "../../errors.ts";

/** Possible classes of a word, regardless of its neighbours. */
export interface WordClass {
  readonly mark: boolean;
  readonly determiner: boolean;
  readonly number: boolean;
  readonly adjective: boolean;
  readonly adverb: boolean;
  readonly preposition: boolean;
  readonly noun: boolean;
  readonly plural: boolean;
  /** "runs". */
  readonly singularVerb: boolean;
  /** "run". */
  readonly pluralVerb: boolean;
  /** "ran", "parked". */
  readonly past: boolean;
  /** "parked", "running". */
  readonly participle: boolean;
  /** An auxiliary: "is", "must". */
  readonly auxiliary: boolean;
  /** More often an adjective than a noun. */
  readonly adjectiveFirst: boolean;
  /** More often a verb than a noun. */
  readonly verbFirst: boolean;
}

interface Tagger {
  tagRawTokens(words: string[]): { pos: string }[];
}

/** wink-pos-tagger's tagger, and the lexicon of wink-lexicon. */
export interface Lexicon {
  readonly tagger: Tagger;
  /** Penn Treebank tags by word, the most frequent first. */
  readonly tags: Readonly<Record<string, string[]>>;
}

const DETERMINERS =
  /^(?:a|an|the|this|that|these|those|some|any|each|every|both|all|several|many|few|no|another|other|my|your|his|her|its|our|their|whose)$/;

/** Longer words are not looked up: they are names and codes. */
const LONGEST = 64;
/** Size of the cache; looking up a word takes about 50 µs. */
const REMEMBERED = 50_000;

const remembered = new Map<string, WordClass>();
let lexicon: Lexicon | undefined;

/** Sets the lexicon; in Node it is found automatically. */
export function useLexicon(given: Lexicon): void {
  lexicon = given;
}

/** Possible classes of a word in lower case. A word outside the lexicon is classified by its ending. */
export function lookUp(word: string): WordClass {
  const known = remembered.get(word);
  if (known) return known;
  const found = classOf(word, word.length > LONGEST ? ["NN"] : tagsOf(word));
  if (remembered.size >= REMEMBERED) remembered.clear();
  remembered.set(word.length > LONGEST ? "" : word, found);
  return found;
}

/** Penn Treebank tags of a word, the most frequent first. */
function tagsOf(word: string): string[] {
  lexicon ??= load();
  const listed = Object.hasOwn(lexicon.tags, word) ? lexicon.tags[word] : undefined;
  if (listed) return listed.includes("NNS") && !listed.includes("VBZ") && isVerbInS(word) ? [...listed, "VBZ"] : listed;
  const tag = lexicon.tagger.tagRawTokens([word])[0]!.pos;
  if (tag === "NN") return ["NN", "VBP"];
  if (tag === "NNS") return ["NNS", "VBZ"];
  if (tag === "VBD") return ["VBD", "VBN"];
  if (tag === "JJ" && /(?:al|ic|ary|ory)$/.test(word)) return ["NN", "JJ"];
  if (tag === "JJR") return ["NN"];
  if (tag === "NNP") return [word.endsWith("s") && !word.endsWith("ss") ? "NNS" : "NN"];
  return [tag];
}

/** Whether a word in -s is a verb of the lexicon with its ending: "brushes". */
function isVerbInS(word: string): boolean {
  const stems = [word.slice(0, -1), word.replace(/es$/, ""), word.replace(/ies$/, "y")];
  return stems.some((stem) => stem !== word && tagsOf(stem).some((tag) => /^VBP?$/.test(tag)));
}

/** Loading the lexicon takes a tenth of a second, at first use. */
function load(): Lexicon {
  if (typeof process !== "object" || !process.versions?.node)
    throw new InputError("the English lexicon is not loaded; give the phrases, or call ground first");
  // Not imported, so that a page can import this module.
  const require = process.getBuiltinModule("node:module").createRequire(import.meta.url);
  const make: () => Tagger = require("wink-pos-tagger");
  return { tagger: make(), tags: require("wink-lexicon/src/lexicon.js") as Record<string, string[]> };
}

function classOf(word: string, tags: readonly string[]): WordClass {
  const has = (pattern: RegExp) => tags.some((tag) => pattern.test(tag));
  const mark = !/[\p{L}\p{N}]/u.test(word);
  const determiner = DETERMINERS.test(word) || has(/^PRP\$$/);
  const hyphened = word.includes("-");
  return {
    mark,
    determiner,
    number: has(/^CD$/),
    adjective: has(/^JJ/) || (hyphened && has(/^(?:NN|VB)/)),
    adverb: has(/^RB/),
    preposition: word === "past" || /^(?:IN|TO|RP)$/.test(tags[0]!) || (tags[0] === "RB" && has(/^IN$/)),
    noun: !mark && (has(/^NNS?$/) || tags[0] === "NNP"),
    plural: tags.find((tag) => tag.startsWith("NN")) === "NNS",
    singularVerb: has(/^VBZ$/),
    pluralVerb: has(/^VBP?$/),
    past: has(/^VB[DN]$/),
    participle: has(/^VB[NG]$/),
    auxiliary: /^(?:is|are|was|were|has|have|had)$/.test(word) || tags[0] === "MD",
    adjectiveFirst: /^(?:JJ|VBN)/.test(tags.find((tag) => /^(?:JJ|NN|VBN)/.test(tag)) ?? ""),
    verbFirst: tags[0]!.startsWith("VB"),
  };
}
