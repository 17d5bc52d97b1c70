/** Splits captions into words as the COCO caption tools do: the Penn Treebank tokenizer of Stanford CoreNLP 3.4.1 with `-preserveLines -lowerCase`. */

import { ptbRules } from "./ptb-rules.ts";

/** Tokens that the caption tools drop. Brackets stay: they come in lower case, and the tools' list has capitals. */
const DROPPED = new Set(["''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"]);
const SPACE = /[ \t\u00A0\u2000-\u200A\u200B\u3000\f\v]+/y;

/**
 * Tokens of each text, lower-cased, punctuation included. The tokenizer reads all texts as lines of one file and looks past the end of
 * a line, so a period after an abbreviation can depend on the next text. A newline within a text is a space; unknown characters are dropped.
 */
export function ptbTokens(texts: readonly string[]): string[][] {
  const file = texts.map((text) => text.replaceAll("\n", " ")).join("\n");
  const lines: string[][] = [[]];
  for (let at = 0; at < file.length; ) {
    SPACE.lastIndex = at;
    if (SPACE.test(file)) at = SPACE.lastIndex;
    else if (file[at] === "\n") {
      lines.push([]);
      at++;
    } else {
      const { token, length } = readToken(file, at);
      if (token) lines.at(-1)!.push(token);
      at += length;
    }
  }
  return lines.map((line) => line.map((token) => token.toLowerCase()));
}

/** Captions as the caption tools pass them to the scores: tokens without punctuation, joined by spaces. */
export function captionWords(captions: readonly string[]): string[] {
  return ptbTokens(captions).map((tokens) => tokens.filter((token) => !DROPPED.has(token)).join(" "));
}

/** The longest match at a place, of equals the first rule's. */
function readToken(file: string, at: number): { token?: string; length: number } {
  let longest = 0;
  let best: { token: string; length: number } | undefined;
  for (const { pattern, written = (text: string) => text, again = 0 } of ptbRules) {
    pattern.lastIndex = at;
    const match = pattern.exec(file);
    if (!match || match[0].length <= longest) continue;
    longest = match[0].length;
    const text = match[1]!;
    // Minus one: the period belongs to the token and is read again as the end of the sentence. A letter alone loses it.
    const kept = again > 0 ? text.slice(0, -again) : again < 0 && text.length === 2 ? text.slice(0, -1) : text;
    best = { token: written(kept), length: text.length - Math.abs(again) };
  }
  return best ?? { length: file.codePointAt(at)! > 0xffff ? 2 : 1 };
}
