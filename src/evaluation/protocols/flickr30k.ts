/** Flickr30k Entities: recall of the phrases in captions. */

import { type DatasetChoice, findDataset, pictureFolder } from "../../data/readers/find-dataset.ts";
import {
  type FlickrTruth,
  readFlickrPredictions,
  readMdetrTruth,
  truthOfEntities,
} from "../../data/readers/flickr-truth.ts";
import { datasetOfFlickr30k, readFlickr30k } from "../../data/readers/flickr30k.ts";
import { picturesIn } from "../../data/readers/folders.ts";
import { readMdetrPhrases } from "../../data/readers/mdetr-phrases.ts";
import { Problems } from "../../data/readers/problems.ts";
import { weightedRecall } from "../../metrics/bootstrap.ts";
import { evaluateFlickr30k, groupByPhrase, summarizeFlickr30k } from "../../metrics/flickr30k.ts";
import { digestOf } from "./digest.ts";
import type { Plan, PlanRequest, ProtocolRow, Scored, ScoreRequest } from "./protocol-row.ts";

export const flickr30k: ProtocolRow = {
  detections: "detections.jsonl",
  plan: async (request, file) => [await planPhrases(request, file)],
  score: scorePhrases,
};

/** The format: MDETR's JSON file or the published folder. */
function formatOf(path: string): DatasetChoice {
  return { as: path.endsWith(".json") ? "mdetr" : "flickr30k" };
}

async function planPhrases({ data, images, subset, options }: PlanRequest, file: string): Promise<Plan<"detector">> {
  const problems = new Problems();
  const place = findDataset(data, formatOf(data));
  const { images: pictures } =
    place.format === "mdetr" ? readMdetrPhrases(data, problems) : await datasetOfFlickr30k(data, subset, problems);
  problems.refuseErrors(data);
  const folder = pictureFolder(place, pictures, images);
  const found = picturesIn(
    folder,
    pictures.map(({ file }) => file),
  );
  const requests = pictures.map(({ captions }, place) => ({
    picture: found[place]!,
    captions: captions.map(({ text, phrases }) => ({ text, spans: phrases.map(({ spans }) => spans[0]!) })),
    options: { topK: 100, ...options },
  }));
  return {
    file,
    asked: digestOf(requests),
    requests,
    records: (picture, found) =>
      pictures[picture]!.captions.map(({ phrases }, sentence_id) => ({
        image_id: pictures[picture]!.id,
        sentence_id,
        phrases: phrases.length,
        detections: found
          .filter(({ caption }) => caption === sentence_id)
          .map(({ phrase, score, box: { xmin, ymin, xmax, ymax } }) => ({
            label: phrase! + 1,
            box: [xmin, ymin, xmax, ymax],
            score,
          })),
      })),
  };
}

async function scorePhrases({ groundTruth, detections, subset, boxes }: ScoreRequest): Promise<Scored> {
  const truth: FlickrTruth[] = groundTruth.endsWith(".json")
    ? readMdetrTruth(groundTruth)
    : truthOfEntities(await readFlickr30k(groundTruth, subset));
  const predictions = await readFlickrPredictions(detections);
  const ranked = predictions.map((record) => ("boxes" in record ? record : groupByPhrase([record])[0]!));
  const evaluation = evaluateFlickr30k(truth, ranked, boxes);
  const types = Object.keys(evaluation.counts).sort();
  const resampled = () => {
    const images = [...new Set(evaluation.phrases.map(({ image }) => image))];
    return { images: [images.length], score: weightedRecall(evaluation, images) };
  };
  return {
    metrics: summarizeFlickr30k(evaluation),
    rows: types.map((name) => ({
      name,
      metrics: {
        ...Object.fromEntries(["1", "5", "10"].map((k) => [`R@${k}`, evaluation.recall[k]![name]!])),
        phrases: evaluation.counts[name]!.phrases,
      },
    })),
    phrases: { truth, predictions: ranked, evaluation, boxes },
    resampled,
    pictures: (folder) => ({
      images: truth.map(({ id, file, width, height }) => ({ id, file_name: file, width, height })),
      folder: pictureFolder(findDataset(groundTruth, formatOf(groundTruth)), truth, folder),
    }),
  };
}
