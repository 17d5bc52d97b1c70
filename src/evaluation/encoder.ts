/** Runs an encoder (CLIP) on pictures and texts for an evaluation. */

import { pictureAt } from "../data/readers/tar-pictures.ts";
import type { Encoder } from "../tasks/classifying/encoder.ts";
import { loadEncoder } from "../tasks/classifying/load-encoder.ts";
import { meanOf, toUnit } from "../tasks/classifying/unit-vectors.ts";
import type { Answering, ModelToAsk } from "./answering.ts";
import type { EmbeddingRequest, Vector } from "./protocols/embedding-request.ts";

/** Float32 has no more digits. */
const DIGITS = 9;

/** An encoder in this thread, with one thread for its operations, as for detectors. */
export async function encoderHere({ model, device }: ModelToAsk): Promise<Answering<"encoder">> {
  const encoder = await loadEncoder(model, { threads: 1, ...(device === undefined ? {} : { device }) });
  return { answer: (request) => vectorsOf(encoder, request), dispose: () => encoder.dispose() };
}

async function vectorsOf(encoder: Encoder, { picture, texts = [], mean }: EmbeddingRequest): Promise<Vector[]> {
  const vectors: Float32Array[] = [];
  if (picture !== undefined) vectors.push((await encoder.pictureVectors([pictureAt(picture)]))[0]!);
  const read = await encoder.textVectors(texts, { long: "end" });
  if (mean === undefined) vectors.push(...read);
  else vectors.push(meanOf(mean === "unit" ? read.map(toUnit) : read));
  return vectors.map((vector) => Array.from(vector, (value) => Number(value.toPrecision(DIGITS))));
}
