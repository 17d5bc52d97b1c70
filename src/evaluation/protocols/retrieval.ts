/** Retrieval in both directions: the captions of a photo among all captions, and the photo of a caption among all photos. */

import { readCaptioned } from "../../data/readers/captioned.ts";
import { retrievalRanks, weightedRanks } from "../../metrics/ranking.ts";
import { dot } from "../../tasks/classifying/unit-vectors.ts";
import { digestOf } from "./digest.ts";
import type { Plan, ProtocolRow, Scored } from "./protocol-row.ts";
import { readVectorRecords, unitVectorsOf } from "./vector-records.ts";

/** Identifies a caption of a photo in the file of vectors. */
const captionKey = (file: string, place: number) => `${file}#${place}`;

export const retrieval: ProtocolRow = {
  asks: "encoder",
  detections: "vectors.jsonl",
  plan: async ({ data, ...request }, file) => {
    const photos = await readCaptioned(data, request);
    const requests = photos.map(({ picture, captions: texts }) => ({ picture, texts }));
    const plan: Plan<"encoder"> = {
      ...{ file, asked: digestOf(requests), requests },
      records: (item, [vector, ...captions]) => [
        { image: photos[item]!.file, vector },
        ...captions.map((one, place) => ({ caption: captionKey(photos[item]!.file, place), vector: one })),
      ],
    };
    return [plan];
  },
  score: async ({ groundTruth, detections, ...request }): Promise<Scored> => {
    const photos = await readCaptioned(groundTruth, request);
    const found = await readVectorRecords(detections, ["image", "caption"]);
    const files = photos.map(({ file }) => file);
    const keys = photos.flatMap(({ file, captions }) => captions.map((_, place) => captionKey(file, place)));
    const pictures = unitVectorsOf(detections, found.image, files);
    const texts = unitVectorsOf(detections, found.caption, keys);
    const owners = photos.flatMap(({ captions }, photo) => captions.map(() => photo));
    // In float32, 5,000 photos and 25,000 captions take half a gigabyte.
    const similarity = pictures.map((picture) => Float32Array.from(texts, (text) => dot(picture, text)));
    const score = weightedRanks(retrievalRanks(similarity, owners));
    return {
      metrics: score(new Float64Array(photos.length).fill(1)),
      rows: [],
      resampled: () => ({ images: [photos.length], score }),
    };
  },
};
