/** Filters that refuse captions by length and language. */

import { InputError } from "../../errors.ts";
import { optional } from "../../files/optional-package.ts";

export interface CaptionLimits {
  /** Smallest and largest number of words. */
  words?: readonly [least: number, most: number];
  /** ISO 639-1 code of the language to keep. */
  language?: string;
}

/** Returns a short reason to refuse a caption, or undefined to keep it. */
export type CaptionFilter = (caption: string) => string | undefined;

/** Another language must score this much better than the wanted one: short captions fit several languages. */
const CERTAIN = 1.15;

/** The filters for the given limits; none without limits. @throws InputError for an unsupported language. */
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
  const { eld } = await optional(() => import("eld/medium"), { purpose: "telling languages apart", packages: ["eld"] });
  const known = Object.values(eld.info().Languages);
  if (!known.includes(language))
    throw new InputError(`language ${language} is not supported; use one of ${known.sort().join(", ")}`);
  return (caption) => {
    const found = eld.detect(caption);
    const scores = found.getScores();
    const isAnother = found.isReliable() && scores[found.language]! > CERTAIN * (scores[language] ?? 0);
    return isAnother ? "another language" : undefined;
  };
}
