/** CLIP's cleaning of a text before it is split into tokens (OpenAI `clip/simple_tokenizer.py`, basic_clean and whitespace_clean). */

import { decodeHTML, decodeHTMLStrict } from "entities";
import { InputError } from "../../errors.ts";
import { TracedText } from "./traced-text.ts";

const LIGATURES: Readonly<Record<string, string>> = {
  Ĳ: "IJ",
  ĳ: "ij",
  ŉ: "ʼn",
  Ǳ: "DZ",
  ǲ: "Dz",
  ǳ: "dz",
  Ǆ: "DŽ",
  ǅ: "Dž",
  ǆ: "dž",
  Ǉ: "LJ",
  ǈ: "Lj",
  ǉ: "lj",
  Ǌ: "NJ",
  ǋ: "Nj",
  ǌ: "nj",
  ﬀ: "ff",
  ﬁ: "fi",
  ﬂ: "fl",
  ﬃ: "ffi",
  ﬄ: "ffl",
  ﬅ: "ſt",
  ﬆ: "st",
};
const LIGATURE = new RegExp(`[${Object.keys(LIGATURES).join("")}]`, "gu");
/** A character with combining marks, or the parts of a Korean syllable; Unicode's limit is 30, and more take very long to compose. */
const JOINED = /.[\p{M}\u1160-\u11ff]{1,30}/gsu;
const WHITE = /\p{White_Space}+/gu;
/** U+001C to U+001F. */
const SEPARATORS = String.fromCharCode(0x1c, 0x1d, 0x1e, 0x1f);
/** What Python's strip removes besides Unicode's white space. */
const ENDS = new RegExp(
  `^[\\p{White_Space}${SEPARATORS}]+|(?<![\\p{White_Space}${SEPARATORS}])[\\p{White_Space}${SEPARATORS}]+$`,
  "gu",
);
/** Python's html.unescape. */
const REFERENCE = /&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)/gu;
/** Characters whose references are empty in HTML. */
const NOTHING = /(?![\t\n\f\r])\p{Cc}|\p{Noncharacter_Code_Point}/u;
/** Terminal escape sequences, such as colours. */
const ESCAPE = new RegExp(`${String.fromCharCode(0x1b)}\\[[\\d;]*[a-zA-Z]`, "g");
/** Windows-1252 characters for the control characters from 0x80; Node's own decoder does not replace them. */
const WESTERN = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";

/** References within references; captions from web pages have two or three. */
const MOST_STEPS = 20;

/**
 * A caption as CLIP reads it: broken characters repaired, entities decoded twice, single spaces, lower case. Of ftfy 6.3 it does what
 * ordinary captions need: entities, terminal escapes, Windows' control characters, ligatures, wide letters, quotes, control characters and
 * composed accents. Text that was decoded in the wrong encoding ("schÃ¶n") stays as it is.
 */
export function cleanCaption(text: string, { repair = true } = {}): TracedText {
  const mended = repair ? mend(TracedText.of(text)) : TracedText.of(text);
  const read = mended.replace(REFERENCE, readReference).replace(REFERENCE, readReference).replace(ENDS, nothing);
  return lowerCase(read.replace(WHITE, () => " ").replace(/^ | $/g, nothing));
}

/** The part of ftfy's fix_text. */
export function mend(given: TracedText): TracedText {
  let text = given;
  if (!text.text.includes("<")) text = settled(text, (t) => t.replace(/&#?[0-9A-Za-z]{1,24};/g, wholeReference));
  return text
    .replace(ESCAPE, nothing)
    .replace(/[\x80-\x9f]/g, (c) => WESTERN[c.charCodeAt(0) - 0x80]!)
    .replace(LIGATURE, (c) => LIGATURES[c]!)
    .replace(/[\u3000\uff01-\uffef]/g, (c) => c.normalize("NFKC"))
    .replace(/[\u02bc\u2018-\u201b]/g, () => "'")
    .replace(/[\u201c-\u201f]/g, () => '"')
    .replace(/\r\n|[\r\u2028\u2029\x85]/g, () => "\n")
    .replace(/\p{Cs}/gu, () => "\ufffd")
    .replace(/(?![\t\n\f\r\x80-\x9f])\p{Cc}|[\u206a-\u206f\ufeff\ufff9-\ufffc]/gu, nothing)
    .replace(JOINED, (c) => c.normalize("NFC"))
    .replace(/[\x80-\u{10ffff}]/gu, (c) => c.normalize("NFC"));
}

/** Lower case by Unicode's full rules, including a sigma at the end of a word. */
function lowerCase(text: TracedText): TracedText {
  // The only capital letter whose lower case is longer; without it all positions stay the same.
  const same = text.replace(/İ/g, (c) => c.toLowerCase());
  return same.likewise(same.text.toLowerCase());
}

/** Repeats a step until it changes nothing. Throws InputError where that takes very long, for each step reads the whole text. */
function settled(given: TracedText, step: (text: TracedText) => TracedText): TracedText {
  let text = given;
  for (let left = MOST_STEPS; left > 0; left--) {
    const next = step(text);
    if (next === text) return text;
    text = next;
  }
  throw new InputError(
    `a text has character references ("&amp;amp;…") within each other, more than ${MOST_STEPS} deep; write the characters themselves`,
  );
}

/** A character reference by name or number, with or without semicolon, as browsers read it. */
function readReference(reference: string): string {
  if (reference[1] !== "#") return decodeHTML(reference);
  const hexadecimal = /[xX]/.test(reference[2]!);
  const number = Number.parseInt(reference.slice(hexadecimal ? 3 : 2), hexadecimal ? 16 : 10);
  if (number === 0 || number > 0x10ffff || (number >= 0xd800 && number < 0xe000)) return "\ufffd";
  if (number >= 0x80 && number < 0xa0) return WESTERN[number - 0x80]!;
  const character = String.fromCodePoint(number);
  return NOTHING.test(character) ? "" : character;
}

function wholeReference(reference: string): string {
  return reference[1] === "#" ? readReference(reference) : decodeHTMLStrict(reference);
}

function nothing(): string {
  return "";
}
