/** Masks, answers and captions of a GLIPv2, from the features that detection uses. */

import { pasteInBox } from "../../boxes/masks/paste-in-box.ts";
import { compressRuns, runLengthsOf } from "../../boxes/masks/run-lengths.ts";
import { InputError } from "../../errors.ts";
import type { Prompt } from "../../inputs/words/prompts.ts";
import type { WordPieces } from "../../inputs/words/word-pieces.ts";
import { MASK_SIDE } from "../../models/glip-v2/mask-head.ts";
import { answerScores } from "../answering/answer-question.ts";
import { CaptionDecoder } from "../captioning/caption-decoder.ts";
import { beamCaptions } from "../captioning/search.ts";
import { masksOfBoxes } from "../segmenting/masks-of-boxes.ts";
import type { Detection, Mask, PhraseDetection } from "./detection.ts";
import type { CachedPicture } from "./feature-cache.ts";
import type { Detectors } from "./find-in-picture.ts";
import { withHead } from "./heads.ts";

/** Whether to find the phrases of a text, and whether with masks. */
export type Ground = boolean | "masks";

/** A detection with its mask. */
export interface SegmentedDetection extends Detection {
  mask: Mask;
}

/** An answer to a question. */
export interface Answer {
  answer: string;
  /** 0 to 1; each answer has its own, so they do not add up to 1. */
  score: number;
  /** The five best answers, best first. */
  answers: { answer: string; score: number }[];
  /** Boxes of the question's phrases; only if asked for. */
  phrases?: PhraseDetection[];
}

/** A caption. */
export interface Description {
  caption: string;
  /** Logarithm of the caption's probability over its length to the power 0.7. */
  score: number;
  /** Boxes of the caption's phrases; only if asked for. */
  phrases?: PhraseDetection[];
}

/** Options of `describe`. */
export interface DescribeOptions {
  /** Captions that are followed at the same time, 1 to 20 (default 5; 1 takes the likeliest word each time). */
  beams?: number;
  /** Maximum number of tokens, 1 to 60 (default 20). */
  most?: number;
}

const BEST_ANSWERS = 5;
const LENGTH_POWER = 0.7;

/** Adds masks to detections of a prompt, in their order. */
export async function addMasks(
  { predictor, features }: Detectors,
  { seen, prompt }: { seen: CachedPicture; prompt: Prompt },
  found: readonly { detection: Detection; label: number }[],
): Promise<SegmentedDetection[]> {
  const model = withHead(predictor.model, "masks");
  const { width, height, images } = seen.picture;
  const masks = new Map<Detection, Float32Array>();
  for (const pass of prompt.passes) {
    const own = found.filter(({ label }) => pass.classes.includes(label));
    const { vectors, tokens } = await features.ofCaption(pass);
    const scale = [images.model.width / width, images.model.height / height];
    const boxes = own.flatMap(({ detection: { box } }) =>
      [box.xmin, box.ymin, box.xmax, box.ymax].map((side, i) => side * scale[i % 2]!),
    );
    const named = {
      boxes: Float32Array.from(boxes),
      tokens: own.map(({ label }) => pass.labelTokens[pass.classes.indexOf(label)]!),
    };
    const shares = await masksOfBoxes(model, predictor, { ...seen.features, vectors, tokens }, named);
    own.forEach(({ detection }, i) => {
      masks.set(detection, shares.subarray(i * MASK_SIDE ** 2, (i + 1) * MASK_SIDE ** 2));
    });
  }
  return found.map(({ detection }) => {
    const { xmin, ymin, xmax, ymax } = detection.box;
    const of = { shares: masks.get(detection)!, side: MASK_SIDE, box: [xmin, ymin, xmax, ymax] };
    const runs = runLengthsOf(pasteInBox(of, { width, height }), height, width);
    return { ...detection, mask: { size: [height, width], counts: compressRuns(runs.counts) } };
  });
}

/** Throws InputError for a question without words. */
export function checkQuestion(question: string): void {
  if (/[\p{L}\p{N}]/u.test(question)) return;
  throw new InputError(`the question ${JSON.stringify(question)} has no words; ask with words`);
}

/** The answer to a question about a picture. Throws InputError for a question without words or with too many. */
export async function answerTo(
  { predictor, features }: Detectors,
  pieces: WordPieces,
  seen: CachedPicture,
  question: string,
): Promise<Answer> {
  const model = withHead(predictor.model, "answering");
  checkQuestion(question);
  const { ids } = pieces.encode(question);
  if (ids.length > model.maxTokens)
    throw new InputError(`the question has ${ids.length} tokens, but the model reads ${model.maxTokens}; shorten it`);
  const pass = { caption: question, ids, classes: [], labelTokens: [] };
  const { vectors, tokens } = await features.ofCaption(pass);
  const scores = await answerScores(model, predictor, { ...seen.features, vectors, tokens });
  const answers = model.config
    .answers!.map((answer, i) => ({ answer, score: scores[i]! }))
    .sort((a, b) => b.score - a.score)
    .slice(0, BEST_ANSWERS);
  return { ...answers[0]!, answers };
}

/** The best caption of a picture. */
export async function captionOf(
  { predictor }: Detectors,
  pieces: WordPieces,
  { features }: CachedPicture,
  { beams = 5, most = 20 }: DescribeOptions,
): Promise<Description> {
  const model = withHead(predictor.model, "captions");
  for (const [name, value, limit] of [
    ["beams", beams, 20],
    ["most", most, 60],
  ] as const)
    if (!Number.isInteger(value) || value < 1 || value > limit)
      throw new InputError(`${name} is ${value}; give a whole number from 1 to ${limit}`);
  const decoder = new CaptionDecoder(model, predictor, most + 1);
  const words = decoder.wordsOf(await decoder.see(features.maps, features.height, features.width));
  const id = (piece: string) => pieces.idOf(piece)!;
  const found = await beamCaptions(words, {
    ...{ start: id("[CLS]"), end: id("[SEP]"), limit: most, beams, lengthPower: LENGTH_POWER },
    banned: new Set(["[PAD]", "[UNK]", "[CLS]", "[MASK]"].map(id)),
  });
  const { ids, score } = found[0]!;
  return { caption: spaced(pieces.decode(ids)), score };
}

/** A text without spaces before closing marks. */
function spaced(text: string): string {
  return text
    .replace(/ ([.,;:!?])/g, "$1")
    .replace(/ ' /g, "'")
    .replace(/ - /g, "-");
}
