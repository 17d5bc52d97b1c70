/** Which captions of the web are worth labelling. */

import { InputError } from "../../errors.ts";

export interface CaptionLimits {
  /** Least and most words. */
  words?: readonly [least: number, most: number];
  /** ISO 639-1 code of the language that captions are in. */
  language?: string;
}

/** Says in a few words why a caption is not worth labelling; undefined where it is. */
export type CaptionFilter = (caption: string) => string | undefined;

/** How much better than the language that is asked for another one must fit: short captions fit several. */
const CERTAIN = 1.15;

/** The filters that limits ask for; none without limits. @throws InputError for a language that cannot be told. */
export async function captionFilters({ words, language }: CaptionLimits): Promise<CaptionFilter[]> {
  return [...(words ? [ofLength(words)] : []), ...(language === undefined ? [] : [await ofLanguage(language)])];
}

function ofLength([least, most]: readonly [number, number]): CaptionFilter {
  return (caption) => {
    const count = caption.trim().split(/\s+/).length;
    if (count < least) return "few words";
    return count > most ? "many words" : undefined;
  };
}

async function ofLanguage(language: string): Promise<CaptionFilter> {
  const { eld } = await import("eld/medium");
  const known = Object.values(eld.info().Languages);
  if (!known.includes(language))
    throw new InputError(`language ${language} cannot be told from others; give one of ${known.sort().join(", ")}`);
  return (caption) => {
    const found = eld.detect(caption);
    const scores = found.getScores();
    const isAnother = found.isReliable() && scores[found.language]! > CERTAIN * (scores[language] ?? 0);
    return isAnother ? "another language" : undefined;
  };
}
