/** Assembles a training batch from pictures and captions of any source. */

import { anchorsOf } from "../../boxes/anchors.ts";
import type { PicturePreparation } from "../../inputs/pictures/preparation.ts";
import type { PreparedImage } from "../../inputs/pictures/prepare-image.ts";
import { tokenPositions } from "../../inputs/words/spans.ts";
import type { Encoding, Span, WordPieces } from "../../inputs/words/word-pieces.ts";
import type { WordSource } from "../../inputs/words/words.ts";
import { contrastTargets, type Names } from "./contrast.ts";
import { type LossName, lossTerms } from "./loss-terms.ts";
import { targetsOf } from "./targets.ts";
import type { GroundingBatch } from "./training-step.ts";

/** The setup of every batch composer. */
export interface BatchSetup {
  words: WordSource;
  /** The model's picture preparation; its sizes are replaced by the batches' sizes. */
  preparation: PicturePreparation;
  seed: number;
  pictures: number;
  /** Possible lengths of the shorter side; one is drawn per batch. */
  sizes: readonly number[];
  /** Length of the padded captions in tokens. */
  tokens: number;
  maxTokens: number;
  /** The losses that need targets. Default: GLIP's three. */
  losses?: readonly LossName[];
}

/** A caption, and for each box of the picture the characters of its name. */
export interface NamedCaption {
  caption: string;
  spans: readonly (readonly Span[])[];
  /** Characters of names that the picture may show without a box; they do not count in the loss. */
  unsure?: readonly Span[];
}

/** A prepared picture with its ground truth. */
export interface Example {
  image: PreparedImage;
  encoding: Encoding;
  /** In pixels of the resized picture; right and lower edges belong to the boxes. */
  boxes: readonly Corners[];
  spans: NamedCaption["spans"];
  unsure?: NamedCaption["unsure"];
  /** The score of each box, 0 to 1, if it is the target of the box's words. */
  confidences?: readonly number[];
  /** For contrast across pictures; either all pictures of a batch have them or none. */
  names?: Names;
}

export type Corners = readonly [left: number, top: number, right: number, bottom: number];

/** Tokenises a caption. If it is too long, keeps its first tokens and [SEP], as in the reference. */
export function encodeUpTo(pieces: WordPieces, caption: string, tokens: number): Encoding {
  const { ids, spans } = pieces.encode(caption);
  if (ids.length <= tokens) return { ids, spans };
  return {
    ids: Int32Array.of(...ids.subarray(0, tokens - 1), ids.at(-1)!),
    spans: [...spans.slice(0, tokens - 1), null],
  };
}

/** Pads pictures to the largest size and captions to `tokens`; drops boxes without any token left. */
export function assembleBatch(
  examples: readonly Example[],
  { tokens, maxTokens, losses = [] }: Pick<BatchSetup, "tokens" | "maxTokens" | "losses">,
): GroundingBatch {
  const pictures = examples.length;
  const height = Math.max(...examples.map(({ image }) => image.paddedHeight));
  const width = Math.max(...examples.map(({ image }) => image.paddedWidth));
  const image = new Float32Array(pictures * 3 * height * width);
  const ids = new BigInt64Array(pictures * tokens);
  const mask = new Float32Array(pictures * tokens);
  const counted = new Float32Array(pictures * tokens);
  const truths = examples.map((example, i) => {
    const { encoding, unsure = [] } = example;
    placeImage(image, example.image, { picture: i, height, width });
    ids.set(BigInt64Array.from(encoding.ids, BigInt), i * tokens);
    mask.fill(1, i * tokens, i * tokens + encoding.ids.length);
    counted.fill(1, i * tokens, i * tokens + encoding.ids.length);
    for (const span of unsure) for (const token of tokenPositions(encoding, span)) counted[i * tokens + token] = 0;
    return truthOf(example);
  });
  const contrasted = examples.flatMap(({ names, encoding }) => (names ? [{ names, encoding }] : []));
  const contrast = contrasted.length === pictures;
  const targets = {
    ...targetsOf(truths, anchorsOf(height, width), { tokens, maxTokens, contrast }),
    ...(contrast ? contrastTargets(contrasted, tokens) : {}),
    ...(examples.some(({ unsure }) => unsure?.length) ? { "target.mask": counted } : {}),
    ...Object.assign(
      {},
      ...losses.map((name) => lossTerms[name].numbers?.(examples, { pictures, height, width, tokens })),
    ),
  };
  return { image, pictures, height, width, ids, mask, tokens, targets };
}

/** The boxes that have a token in the caption, with these tokens. */
function truthOf({ encoding, spans, boxes, confidences }: Example) {
  const named = spans.map((own) => [...new Set(own.flatMap((span) => tokenPositions(encoding, span)))]);
  const kept = [...named.keys()].filter((box) => named[box]!.length > 0);
  return {
    boxes: Float32Array.from(kept.flatMap((box) => boxes[box]!)),
    tokens: kept.map((box) => named[box]!),
    ...(confidences ? { confidences: kept.map((box) => confidences[box]!) } : {}),
  };
}

/** Buffers of a batch to transfer to the trainer's thread without a copy. */
export function buffersOf({ image, targets }: GroundingBatch): ArrayBuffer[] {
  return [image.buffer, ...Object.values(targets).map((numbers) => numbers.buffer)] as ArrayBuffer[];
}

function placeImage(
  all: Float32Array,
  { tensor, paddedHeight, paddedWidth }: PreparedImage,
  { picture, height, width }: { picture: number; height: number; width: number },
): void {
  for (let channel = 0; channel < 3; channel++)
    for (let y = 0; y < paddedHeight; y++) {
      const row = tensor.subarray((channel * paddedHeight + y) * paddedWidth).subarray(0, paddedWidth);
      all.set(row, ((picture * 3 + channel) * height + y) * width);
    }
}
