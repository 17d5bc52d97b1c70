/** Escapes characters in texts from files and users that would control the terminal. */

/** Control characters (C0, delete, C1), line and paragraph separators, and marks that change the direction of writing. */
const COMMANDING = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const SHORT: Record<string, string> = { "\n": "\\n", "\t": "\\t", "\r": "\\r" };

/** As one line: the escape character becomes `\u001b`, a line break `\n`. */
export function visible(text: string): string {
  return text.replace(COMMANDING, spelled);
}

/** The same for texts of several lines: line breaks and tabs stay. */
export function visibleLines(text: string): string {
  return text.replace(COMMANDING, (character) =>
    character === "\n" || character === "\t" ? character : spelled(character),
  );
}

function spelled(character: string): string {
  return SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
