/** The form in which phrases of different texts and datasets are compared. */

const DETERMINERS = new Set(
  "a an the this that these those some any each every his her its their my your our".split(" "),
);

/**
 * A phrase in lower case, without parts in brackets, punctuation (except - and ' within words), leading determiners and doubled spaces. Empty if
 * nothing is left; such a phrase has no key.
 */
export function phraseNorm(phrase: string): string {
  const plain = phrase
    .normalize("NFKC")
    .toLowerCase()
    .replace(/\([^()]*\)/g, " ")
    .replaceAll("_", " ");
  const letters = [...plain];
  const isWord = (letter: string | undefined) => letter !== undefined && /[\p{L}\p{N}]/u.test(letter);
  const kept = letters.map((letter, i) => {
    if (/\s/.test(letter) || !/[\p{P}\p{S}]/u.test(letter)) return letter;
    return /[-']/.test(letter) && isWord(letters[i - 1]) && isWord(letters[i + 1]) ? letter : " ";
  });
  const words = kept
    .join("")
    .split(/\s+/)
    .filter((word) => word !== "");
  while (words.length > 0 && DETERMINERS.has(words[0]!)) words.shift();
  return words.join(" ");
}

/** Numbers of phrases, the same for equal norms over all texts and datasets. */
export interface PhraseKeys {
  /** The number of a phrase; nothing for one whose norm is empty. */
  keyOf(phrase: string): number | undefined;
  /** Norms in the order of their numbers. */
  readonly norms: readonly string[];
}

/** Numbers phrases as they are asked for. */
export function phraseKeys(): PhraseKeys {
  const numbers = new Map<string, number>();
  const norms: string[] = [];
  return {
    norms,
    keyOf(phrase) {
      const norm = phraseNorm(phrase);
      if (norm === "") return undefined;
      const known = numbers.get(norm) ?? norms.push(norm) - 1;
      numbers.set(norm, known);
      return known;
    },
  };
}
