/** Zero-shot classification (Radford et al. 2021): each photo gets the class with the most similar text vector. */

import { readClassified } from "../../data/readers/classified.ts";
import {
  filled,
  imagenetTemplates,
  PHOTO_TEMPLATE,
  regionTemplates,
  withoutMarks,
} from "../../inputs/words/templates.ts";
import { rankOf, topRanks, weightedRanks } from "../../metrics/ranking.ts";
import { dot } from "../../tasks/classifying/unit-vectors.ts";
import { digestOf } from "./digest.ts";
import type { EmbeddingRequest } from "./embedding-request.ts";
import type { Plan, ProtocolRow, Scored } from "./protocol-row.ts";
import { readVectorRecords, unitVectorsOf } from "./vector-records.ts";

/** The name of a rule for class vectors. */
export type ClassVectorRule = "openai" | "regionclip" | "photo";

/** How the names of classes become vectors. Means of unit vectors are OpenAI's way, means of raw vectors RegionCLIP's. */
const classVectorRules = {
  openai: (name: string) => ({ texts: imagenetTemplates.map((template) => filled(template, name)), mean: "unit" }),
  regionclip: (name: string) => ({
    texts: regionTemplates.map((template) => filled(template, withoutMarks(name))),
    mean: "raw",
  }),
  photo: (name: string) => ({ texts: [filled(PHOTO_TEMPLATE, name)], mean: "unit" }),
} satisfies Record<ClassVectorRule, (name: string) => EmbeddingRequest>;

export const zeroShot: ProtocolRow = {
  asks: "encoder",
  detections: "vectors.jsonl",
  plan: async ({ data, split, classVectors = "openai" }, file) => {
    const { classes, photos } = await readClassified(data, split);
    const rule: (name: string) => EmbeddingRequest = classVectorRules[classVectors];
    const requests = [...classes.map(({ name }) => rule(name)), ...photos.map(({ picture }) => ({ picture }))];
    const keys = [...classes.map(({ key }) => ({ class: key })), ...photos.map(({ file: image }) => ({ image }))];
    const plan: Plan<"encoder"> = {
      ...{ file, asked: digestOf(requests), requests },
      records: (item, [vector]) => [{ ...keys[item], vector }],
    };
    return [plan];
  },
  score: async ({ groundTruth, detections, split }): Promise<Scored> => {
    const { classes, photos } = await readClassified(groundTruth, split);
    const found = await readVectorRecords(detections, ["class", "image"]);
    const keys = classes.map(({ key }) => key);
    const texts = unitVectorsOf(detections, found.class, keys);
    const pictures = unitVectorsOf(
      detections,
      found.image,
      photos.map(({ file }) => file),
    );
    const owns = photos.map(({ key }) => keys.indexOf(key));
    const ranks = pictures.map((picture, i) =>
      rankOf(
        texts.map((text) => dot(picture, text)),
        owns[i]!,
      ),
    );
    return scoredTop(ranks, owns, classes);
  },
};

/** Top-1 and top-5 of all photos and of each class, given the rank of each photo's own class. */
export function scoredTop(
  ranks: readonly number[],
  owns: readonly number[],
  classes: readonly { readonly name: string }[],
): Scored {
  const all = new Float64Array(ranks.length).fill(1);
  const score = weightedRanks(topRanks(ranks));
  return {
    metrics: score(all),
    rows: classes.map(({ name }, own) => ({ name, metrics: score(all.map((_, i) => Number(owns[i] === own))) })),
    resampled: () => ({ images: [ranks.length], score }),
  };
}
