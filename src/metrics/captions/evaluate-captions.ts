/** The scores of the COCO caption tools, except METEOR and SPICE. */

import type { PictureCaption } from "../../data/readers/caption-files.ts";
import { InputError } from "../../errors.ts";
import { bleu, type CaptionPair } from "./bleu.ts";
import { ciderD } from "./cider.ts";
import { captionWords } from "./ptb-tokens.ts";
import { rougeL } from "./rouge.ts";

/** The scores of all pictures and of each. `CIDEr` is CIDEr-D, as in the tools. */
export interface CaptionEvaluation {
  readonly Bleu: readonly number[];
  readonly ROUGE_L: number;
  readonly CIDEr: number;
  readonly images: readonly (number | string)[];
  readonly perImage: {
    readonly Bleu: readonly (readonly number[])[];
    readonly ROUGE_L: readonly number[];
    readonly CIDEr: readonly number[];
  };
}

/**
 * Scores one caption for each of the pictures against its references, after Penn Treebank tokenization without punctuation.
 * Throws InputError that lists pictures without a caption or without references, and pictures with two captions.
 */
export function evaluateCaptions(
  images: readonly (number | string)[],
  references: readonly PictureCaption[],
  captions: readonly PictureCaption[],
): CaptionEvaluation {
  const theirs = byPicture(references);
  const ours = byPicture(captions);
  refuseUnfit(images, theirs, ours);
  const referenceWords = captionWords(images.flatMap((image) => theirs.get(image)!));
  const words = captionWords(images.flatMap((image) => ours.get(image)!));
  let at = 0;
  const pairs = images.map((image, i) => {
    const count = theirs.get(image)!.length;
    at += count;
    return { candidate: words[i]!, references: referenceWords.slice(at - count, at) };
  });
  return scoreCaptions(images, pairs);
}

/** The same of captions and references that are tokenised already. */
export function scoreCaptions(images: readonly (number | string)[], pairs: readonly CaptionPair[]): CaptionEvaluation {
  const { corpus, perPicture } = bleu(pairs);
  const rouge = rougeL(pairs);
  const cider = ciderD(pairs);
  const mean = (scores: readonly number[]) => scores.reduce((sum, score) => sum + score, 0) / scores.length;
  return {
    Bleu: corpus,
    ROUGE_L: mean(rouge),
    CIDEr: mean(cider),
    images,
    perImage: { Bleu: perPicture, ROUGE_L: rouge, CIDEr: cider },
  };
}

function byPicture(captions: readonly PictureCaption[]): Map<number | string, string[]> {
  const found = new Map<number | string, string[]>();
  for (const { image_id, caption } of captions) found.set(image_id, [...(found.get(image_id) ?? []), caption]);
  return found;
}

function refuseUnfit(
  images: readonly (number | string)[],
  theirs: ReadonlyMap<number | string, readonly string[]>,
  ours: ReadonlyMap<number | string, readonly string[]>,
): void {
  const problems = images.flatMap((image) => {
    if (!theirs.has(image)) return [`image ${image}: no reference`];
    const count = ours.get(image)?.length ?? 0;
    return count === 1 ? [] : [`image ${image}: ${count === 0 ? "no caption" : `${count} captions`}`];
  });
  if (images.length === 0) problems.push("there are no images");
  if (problems.length)
    throw new InputError(
      `captions do not fit; write exactly one for each image:\n  ${problems.slice(0, 20).join("\n  ")}`,
    );
}
