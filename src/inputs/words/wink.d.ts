/** Packages without types. */

declare module "wink-pos-tagger" {
  export default function makeTagger(): { tagRawTokens(words: string[]): { pos: string }[] };
}
declare module "wink-lexicon/src/lexicon.js" {
  const tags: Record<string, string[]>;
  export default tags;
}
declare module "wink-lemmatizer" {
  export function noun(word: string): string;
}
