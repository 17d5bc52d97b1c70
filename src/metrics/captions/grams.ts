/** Words of a caption and their runs. */

/** The words between white space. */
export function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

/** How often each run of 1 to `longest` words occurs, its words joined by spaces. */
export function grams(words: readonly string[], longest: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let n = 1; n <= longest; n++)
    for (let at = 0; at + n <= words.length; at++) {
      const gram = words.slice(at, at + n).join(" ");
      counts.set(gram, (counts.get(gram) ?? 0) + 1);
    }
  return counts;
}
