/** GLIP's row in the table of families. */

import type { DetectorFamily } from "../parts/family.ts";
import { glipPictures } from "../parts/glip-pictures.ts";
import { tooLargeText } from "../parts/model-size.ts";
import { type GlipConfig, glip, publishedExtras } from "./glip.ts";
import { inferConfig, isGlip } from "./infer-config.ts";

export const glipFamily = {
  title: "GLIP",
  kind: "glip",
  configKey: "glip",
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
