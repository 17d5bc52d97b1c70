/** A plain Dynamic Head detector (Dai et al. 2021): GLIP without language, with a table of class vectors. Key names as in GLIP's `rpn/dyhead.py`. */

import { normal, Scope } from "../../nn/index.ts";
import { add, concat, embedding, matmul, reshape, slice, swapLast, type Tensor } from "../../tensor/index.ts";
import {
  boxHead,
  type Detector,
  type DetectorConfig,
  type HeadLevel,
  logitBias,
  pictureMaps,
} from "../parts/detector.ts";
import { dyConv } from "../parts/dyhead.ts";

/** Sizes of a detector of fixed classes: its backbone, its head and its classes. */
export interface DynamicHeadConfig extends DetectorConfig {
  /** The class names, as in its dataset. */
  classes: readonly string[];
}

/** Its "words" are class indices. The vector of a class [channels + 1] is its filter and its bias. */
export function dynamicHead(config: DynamicHeadConfig): Detector & { readonly config: DynamicHeadConfig } {
  const s = new Scope();
  const { channels, classes } = config;
  const image = pictureMaps(s.at("backbone"), config);
  const head = s.at("rpn.head");
  const steps = Array.from({ length: config.steps }, (_, i) => dyConv(head.at(`dyhead_tower.${i}`), config));
  const boxes = boxHead(head, channels);
  const filters = head.parameter("cls_logits.weight", [classes.length, channels, 1, 1], normal(0.01));
  const biases = head.parameter("cls_logits.bias", [classes.length], logitBias);

  const text = head.layer((ids: Tensor): Tensor => {
    const table = concat([reshape(filters, [classes.length, channels]), reshape(biases, [classes.length, 1])], 1);
    return embedding(table, ids);
  });

  const answer = head.layer((maps: readonly Tensor[], vectors: Tensor): HeadLevel[] => {
    const n = vectors.shape[0]!;
    const filter = slice(vectors, { axis: 2, end: channels });
    const bias = swapLast(slice(vectors, { axis: 2, start: channels })); // [n,1,l]
    const visual = steps.reduce((found, step) => step(found, () => {}), [...maps]);
    return visual.map((map, level) => ({
      logits: add(swapLast(matmul(filter, reshape(map, [n, channels, -1]))), bias),
      ...boxes(map, level),
    }));
  });

  return {
    config,
    parameters: s.parameters,
    records: s.records,
    channels,
    // One more than the number of classes, because the last token of a full prompt means "no object".
    maxTokens: classes.length + 1,
    textWidth: channels + 1,
    image,
    text,
    answer,
  };
}
