/** The concepts of captions: nouns as RegionCLIP counts them. Source: RegionCLIP `tools/tsvfile_filtering.py`, by our chunker and lemmas. */

import { createRequire } from "node:module";
import { nounPhrases } from "./noun-phrases.ts";

/** How often a concept is named in captions. */
export interface Concept {
  readonly name: string;
  readonly count: number;
}

/** The published stop list: pronouns, symbols and mistakes of the tokenizer. */
export const STOP_LIST: readonly string[] = [
  ..."i me my mine myself you your yours yourself yourselves he him his himself she her hers herself it its itself".split(
    " ",
  ),
  ..."we us our ours ourselves they them their theirs themselves".split(" "),
  ..."# @ $ % ^ & * ( )".split(" "),
  ..."'s m 1930 my,".split(" "),
];

const require = createRequire(import.meta.url);
let lemma: ((word: string) => string) | undefined;

/** The singular of a noun, by WordNet's exceptions and rules: "women" is "woman". */
function lemmaOf(word: string): string {
  lemma ??= (require("wink-lemmatizer") as typeof import("wink-lemmatizer")).noun;
  return lemma(word);
}

/** The concept of each noun phrase of a caption: the lemma of its last noun, with the lemma of each noun before it prepended in turn. */
export function conceptsOf(caption: string): string[] {
  return nounPhrases(caption.toLowerCase()).map(({ nouns }) => {
    const [root = "", ...compounds] = nouns.toReversed().map(lemmaOf);
    // In the reference two compounds come out in reversed order.
    return compounds.toReversed().reduce((name, compound) => `${compound} ${name}`, root);
  });
}

/** Counts concepts, most frequent first, equals by name; rare ones and those of the stop list go. */
export function countConcepts(
  captions: Iterable<string>,
  { least, stop = STOP_LIST }: { least: number; stop?: readonly string[] },
): Concept[] {
  const counts = new Map<string, number>();
  for (const caption of captions) for (const name of conceptsOf(caption)) counts.set(name, (counts.get(name) ?? 0) + 1);
  const stopped = new Set(stop);
  return [...counts]
    .map(([name, count]) => ({ name, count }))
    .filter(({ name, count }) => count >= least && name.trim() !== "" && !stopped.has(name))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}
