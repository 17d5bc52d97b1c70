/** Finds boxes for the noun phrases of captions with a teacher model (GLIP, section 3.3), to turn image–text pairs into training data. */

import { createHash } from "node:crypto";
import { suppress } from "../../boxes/suppression.ts";
import type { LabelledPair } from "../../data/pairs/labelled.ts";
import { isRefusal, type Pair, type PairOrRefusal, type Refusal, TWIN } from "../../data/pairs/pair.ts";
import { InputError } from "../../errors.ts";
import { nounPhrases } from "../../inputs/words/noun-phrases.ts";
import type { Span } from "../../inputs/words/word-pieces.ts";
import type { PhraseDetection } from "../finding/detection.ts";
import type { GroundingModel } from "../finding/grounding-model.ts";
import type { PicturePreparer } from "../finding/picture-preparer.ts";
import type { DigestedPicture } from "../finding/prepare-worker.ts";
import type { CaptionFilter } from "./caption-filters.ts";

export interface LabelOptions {
  /** Boxes need a score above this; 0.5 in the paper. */
  threshold: number;
  /** Overlap above which a better box of the same phrase suppresses another; 0.6 in the reference. */
  nms?: number;
  /** Overlap above which a better box of any phrase of the caption suppresses another; the reference's `CAPTION_NMS`, which is off there. */
  captionNms?: number;
  /** Pictures whose shorter side has fewer pixels are refused. */
  minSide?: number;
  filters?: readonly CaptionFilter[];
}

/** Longer captions (in characters) are refused at once: no model reads them. */
const LONGEST_CAPTION = 10_000;
/** Pictures that are prepared ahead while the model runs. */
const AHEAD = 3;

/**
 * Labels pairs in order. Every pair, and every refusal among the input, gives exactly one result: a labelled pair, perhaps without boxes,
 * or a refusal. Pictures must be prepared to the model's size.
 */
export async function* pseudoLabel(
  { model, preparer }: { model: GroundingModel; preparer: PicturePreparer },
  pairs: AsyncIterable<PairOrRefusal>,
  options: LabelOptions,
): AsyncGenerator<LabelledPair | Refusal> {
  const seen = new Set<string>();
  for await (const { candidate, picture } of startAhead(pairs, AHEAD, preparing(preparer, options))) {
    const result = isRefusal(candidate)
      ? candidate
      : await labelled(model, candidate, { picture: await settled(picture!), seen, options });
    yield result;
  }
}

/** A function that checks a pair and starts the preparation of its picture. */
function preparing(preparer: PicturePreparer, { filters = [] }: LabelOptions) {
  let last: { source: Pair["picture"]; picture: Promise<DigestedPicture> } | undefined;
  return (pair: PairOrRefusal) => {
    const candidate = isRefusal(pair) ? pair : candidateOf(pair, filters);
    if (isRefusal(candidate)) return { candidate };
    // Captions of one picture usually follow each other.
    if (last?.source !== candidate.pair.picture) {
      const picture = preparer.ask(candidate.pair.picture);
      // Awaited later; without this a failure before then would be an unhandled rejection.
      picture.catch(() => {});
      last = { source: candidate.pair.picture, picture };
    }
    return { candidate, picture: last.picture };
  };
}

/** The boxes of a pair, or its refusal. `seen` has the digests of the pairs before it. */
async function labelled(
  model: GroundingModel,
  { pair, spans }: Candidate,
  { picture, seen, options }: { picture: DigestedPicture | Error; seen: Set<string>; options: LabelOptions },
): Promise<LabelledPair | Refusal> {
  if (picture instanceof Error) return refusal(pair, "unreadable picture", picture.message);
  const { nms, threshold, minSide = 0 } = options;
  const { width, height } = picture;
  if (Math.min(width, height) < minSide) return refusal(pair, "small picture", `${width} × ${height} pixels`);
  const content = `${width} ${height} ${picture.digest} ${pair.caption}`;
  const digest = createHash("sha256").update(content).digest("hex").slice(0, 32);
  if (seen.has(digest)) return refusal(pair, "duplicate", TWIN);
  try {
    const how = { phrases: spans, threshold, ...(nms === undefined ? {} : { nms }) };
    const found = await model.ground(picture, pair.caption, how);
    const kept = withoutOverlap(found, options.captionNms).filter(({ score }) => score > threshold);
    const { file, caption } = pair;
    seen.add(digest);
    return { file, digest, caption, width, height, regions: regionsOf(spans, kept, caption) };
  } catch (error) {
    if (error instanceof InputError) return refusal(pair, "unreadable caption", error.message);
    throw error;
  }
}

interface Candidate {
  pair: Pair;
  spans: Span[];
}

function candidateOf(pair: Pair, filters: readonly CaptionFilter[]): Candidate | Refusal {
  const { caption } = pair;
  if (caption === "") return refusal(pair, "no caption", "the text is empty");
  if (caption.length > LONGEST_CAPTION)
    return refusal(pair, "long caption", `${caption.length} characters, more than the limit of ${LONGEST_CAPTION}`);
  for (const filter of filters) {
    const reason = filter(caption);
    if (reason !== undefined) return refusal(pair, reason, caption);
  }
  const spans = nounPhrases(caption).map(({ span }) => span);
  return spans.length > 0 ? { pair, spans } : refusal(pair, "no noun phrase", caption);
}

function refusal({ file }: Pair, reason: string, detail: string): Refusal {
  return { reason, file, detail: detail.length > 300 ? `${detail.slice(0, 299)}…` : detail, pairs: 1 };
}

function withoutOverlap(found: PhraseDetection[], captionNms: number | undefined): PhraseDetection[] {
  if (captionNms === undefined) return found;
  const boxes = Float32Array.from(found.flatMap(({ box }) => [box.xmin, box.ymin, box.xmax, box.ymax]));
  const scores = Float32Array.from(found, ({ score }) => score);
  return Array.from(suppress(boxes, scores, captionNms), (kept) => found[kept]!);
}

/** Boxes by phrase, in the caption's order; phrases without boxes are left out. */
function regionsOf(spans: readonly Span[], found: readonly PhraseDetection[], caption: string) {
  return spans.flatMap((span) => {
    const own = found.filter((one) => one.span === span);
    if (own.length === 0) return [];
    const boxes = own.map(({ box }): [number, number, number, number] => [box.xmin, box.ymin, box.xmax, box.ymax]);
    return [{ phrase: caption.slice(...span), span, boxes, scores: own.map(({ score }) => score) }];
  });
}

/** The result, or an InputError as a value; other errors are thrown. */
async function settled<Value>(promise: Promise<Value>): Promise<Value | InputError> {
  return promise.catch((error: unknown) => {
    if (error instanceof InputError) return error;
    throw error;
  });
}

/** Results of `start` for each item, in order; it is called some items ahead of the one that is awaited. */
async function* startAhead<Item, Made>(
  items: AsyncIterable<Item>,
  depth: number,
  start: (item: Item) => Made,
): AsyncGenerator<Made> {
  const started: Made[] = [];
  for await (const item of items) {
    started.push(start(item));
    if (started.length > depth) yield started.shift()!;
  }
  yield* started;
}
