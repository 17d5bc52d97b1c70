/** GLIP's row in the table of families. */

import { z } from "zod";
import { detectorShape, tooLargeText, upTo } from "../parts/detector-schema.ts";
import type { DetectorFamily } from "../parts/family.ts";
import { glipPictures } from "../parts/glip-pictures.ts";
import { type GlipConfig, glip, publishedExtras } from "./glip.ts";
import { inferConfig, isGlip } from "./infer-config.ts";

const schema = z.strictObject({
  ...detectorShape,
  bert: z.strictObject({
    hiddenSize: upTo(8192),
    layers: z.int().min(0).max(128),
    heads: upTo(1024),
    intermediateSize: upTo(65_536),
    vocabularySize: upTo(2_000_000),
    positions: upTo(65_536),
  }),
  maxTokens: upTo(65_536),
  fusion: z.strictObject({ width: upTo(16_384), heads: upTo(1024) }).exactOptional(),
});

export const glipFamily = {
  title: "GLIP",
  kind: "glip",
  configKey: "glip",
  schema,
  recipe: schema.extend({ kind: z.literal("glip").exactOptional() }),
  capabilities: ["detect", "ground", "train", "adapt", "export", "inspect"],
  preparation: glipPictures,
  vocabulary: "assets/bert-base-uncased/vocab.txt",
  published: {
    mayBeUnused: publishedExtras,
    recognises: isGlip,
    configOf: inferConfig,
  },
  wordTable: "language_backbone.body.model.embeddings.word_embeddings.weight",
  words: ({ bert }, file) => ({ kind: "word-pieces", file: file("vocab.txt"), size: bert.vocabularySize }),
  tooLarge: tooLargeText,
  detector: glip,
  keepsWordsApart: ({ fusion }) => fusion === undefined,
} satisfies DetectorFamily<GlipConfig>;
