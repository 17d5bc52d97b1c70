/** A row of the protocol table: the requests to a model, and how detections are read and scored. */

import type { CocoDetection, CocoGroundTruth } from "../../data/readers/coco-records.ts";
import type { DatasetChoice } from "../../data/readers/find-dataset.ts";
import type { ClassPrompt } from "../../inputs/words/prompts.ts";
import type { WeightedScore } from "../../metrics/bootstrap.ts";
import type { CocoEvaluation } from "../../metrics/coco.ts";
import type { FlickrBoxes } from "../../metrics/flickr30k.ts";
import type { Phrases } from "../../metrics/phrase-mistakes.ts";
import type { RegionType } from "../../metrics/regions.ts";
import type { DetectOptions } from "../../tasks/finding/detect-options.ts";
import type { DetectionRequest, Found } from "./detection-request.ts";
import type { EmbeddingRequest, Vector } from "./embedding-request.ts";
import type { ClassVectorRule } from "./zero-shot.ts";

/** What each kind of model is asked, and answers. An encoder answers with the picture's vector first. */
export interface Asks {
  detector: { request: DetectionRequest; answer: Found[] };
  encoder: { request: EmbeddingRequest; answer: Vector[] };
}

export interface ProtocolRow {
  /** The kind of model that is evaluated. Default: a detector. */
  readonly asks?: keyof Asks;
  /** Default file for detections, or default folder if there is one file per dataset. */
  readonly detections: string;
  /** Reads a dataset and plans the requests for its pictures. Throws InputError for missing or malformed files. */
  plan(request: PlanRequest, output: string): Promise<Plan[]>;
  /** Reads the files of a request and scores them. Throws InputError that names the file that does not fit. */
  score(request: ScoreRequest): Promise<Scored>;
}

export interface PlanRequest extends DatasetChoice {
  /** A dataset's folder or annotation file. */
  data: string;
  /** For flickr30k: the list of images. */
  subset: string;
  /** File of adapters, or of an adapted prompt for all classes. */
  adapted?: string;
  /** Prompts for some classes, by their labels. */
  captions?: readonly ClassPrompt[];
  /** For ODinW: whether to use the class prompts of GLIP's ODinW-35 configuration. */
  prompts?: boolean;
  /** For zero-shot: how names become vectors. Default: openai. */
  classVectors?: ClassVectorRule;
  options: DetectOptions;
}

/** The plan of one file of detections. */
export interface Plan<Kind extends keyof Asks = keyof Asks> {
  file: string;
  /** A digest of all requests; a run continues only if its requests were the same. */
  asked: string;
  requests: Asks[Kind]["request"][];
  /** The records of the answer to a request. */
  records(request: number, answer: Asks[Kind]["answer"]): object[];
}

/** Which files are scored. */
export interface ScoreRequest extends DatasetChoice {
  /** A dataset with boxes of classes; for lvis its annotations; for flickr30k the published folder or MDETR's JSON; for odinw a folder of datasets. */
  groundTruth: string;
  detections: string;
  type: RegionType;
  /** For flickr30k: the list of images, and the target of a phrase with several boxes. */
  subset: string;
  boxes: FlickrBoxes;
}

/** The metrics of a run, the metrics of each class or dataset, and the data behind them. */
export interface Scored {
  metrics: Record<string, number>;
  rows: { name: string; metrics: Record<string, number> }[];
  /** For protocols that compare regions class by class. */
  regions?: {
    evaluation: CocoEvaluation;
    groundTruth: CocoGroundTruth;
    detections: readonly CocoDetection[];
    type: RegionType;
  };
  /** For flickr30k. */
  phrases?: Phrases;
  /** Finds the pictures for the mistakes in a report; `folder` is the folder of pictures that the user named. */
  pictures?: (folder?: string) => { images: CocoGroundTruth["images"]; folder: string };
  /** For `eval compare`: the metrics if each image counts as often as its weight. */
  resampled?: () => Resampled;
}

/** A score whose images are drawn again for confidence intervals. */
export interface Resampled {
  /** The number of images of each dataset. Images are resampled within their dataset. */
  images: number[];
  /** Takes the weights of all images, dataset after dataset. */
  score: WeightedScore;
}
