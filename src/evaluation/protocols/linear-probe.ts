/** Linear probe (Radford et al. 2021, section 3.2): logistic regression on the picture vectors of a training split, scored on another. */

import { readClassified } from "../../data/readers/classified.ts";
import { rankOf } from "../../metrics/ranking.ts";
import { fitLogisticRegression } from "../../tasks/classifying/logistic-regression.ts";
import { digestOf } from "./digest.ts";
import type { Plan, ProtocolRow, Scored } from "./protocol-row.ts";
import { readVectorRecords, vectorsOf } from "./vector-records.ts";
import { scoredTop } from "./zero-shot.ts";

const TRAIN = "train";
/** The strength of OpenAI's example: the inverse of the weight of the squared length, as in scikit-learn. */
const STRENGTH = 0.316;

export const linearProbe: ProtocolRow = {
  asks: "encoder",
  detections: "vectors.jsonl",
  plan: async ({ data, split }, file) => {
    const { train, test } = await bothSplits(data, split);
    const photos = [
      ...train.photos.map((photo) => ({ ...photo, kind: "train" })),
      ...test.photos.map((photo) => ({ ...photo, kind: "image" })),
    ];
    const requests = photos.map(({ picture }) => ({ picture }));
    const plan: Plan<"encoder"> = {
      ...{ file, asked: digestOf(requests), requests },
      records: (item, [vector]) => [{ [photos[item]!.kind]: photos[item]!.file, vector }],
    };
    return [plan];
  },
  score: async ({ groundTruth, detections, split }): Promise<Scored> => {
    const { train, test } = await bothSplits(groundTruth, split);
    const found = await readVectorRecords(detections, [TRAIN, "image"]);
    const filesOf = ({ photos }: typeof train) => photos.map(({ file }) => file);
    const keys = train.classes.map(({ key }) => key);
    const labelsOf = ({ photos }: typeof train) => photos.map(({ key }) => keys.indexOf(key));
    const examples = vectorsOf(detections, found.train, filesOf(train));
    const probe = await fitLogisticRegression(examples, labelsOf(train), { classes: keys.length, strength: STRENGTH });
    const owns = labelsOf(test);
    const pictures = vectorsOf(detections, found.image, filesOf(test));
    // A class without training photos is never right.
    const ranks = pictures.map((picture, i) => (owns[i]! < 0 ? keys.length : rankOf(probe.scores(picture), owns[i]!)));
    return scoredTop(ranks, owns, train.classes);
  },
};

async function bothSplits(folder: string, split: string | undefined) {
  return { train: await readClassified(folder, TRAIN), test: await readClassified(folder, split) };
}
