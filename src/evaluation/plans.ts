/** For each protocol: the requests to the model for each picture of a dataset, and how detections become records. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { pictureNameOf } from "../data/readers/coco.ts";
import type { CocoGroundTruth, Id } from "../data/readers/coco-records.ts";
import { type DatasetChoice, findDataset, pictureFolder } from "../data/readers/find-dataset.ts";
import { datasetOfFlickr30k } from "../data/readers/flickr30k.ts";
import { picturesIn } from "../data/readers/folders.ts";
import { readGroundTruth } from "../data/readers/ground-truth.ts";
import { readMdetrPhrases } from "../data/readers/mdetr-phrases.ts";
import { odinwFolders } from "../data/readers/odinw-folder.ts";
import type { OdinwSetName } from "../data/readers/odinw-sets.ts";
import { Problems } from "../data/readers/problems.ts";
import { InputError } from "../errors.ts";
import { type ClassPrompt, captionOfClasses, classesInWords, labelsOf } from "../inputs/words/prompts.ts";
import { openVocabularyOf } from "../metrics/open-vocabulary.ts";
import { readAdapted } from "../tasks/finding/adapted-file.ts";
import type { DetectOptions } from "../tasks/finding/detect-options.ts";
import type { Found, Question } from "./detector.ts";
import type { Protocol } from "./score-files.ts";

export interface PlanRequest extends DatasetChoice {
  /** A dataset's folder or annotation file. */
  data: string;
  subset: string;
  protocol: Protocol;
  /** File of adapters, or of an adapted prompt for all classes. */
  adapted?: string;
  /** Prompts for some classes, by their labels. */
  captions?: readonly ClassPrompt[];
  /** For ODinW: whether to use the class prompts of GLIP's ODinW-35 configuration. */
  prompts?: boolean;
  options: DetectOptions;
}

/** The plan of one file of detections. */
export interface Plan {
  file: string;
  /** A digest of all requests; a run continues only if its requests were the same. */
  asked: string;
  questions: Question[];
  /** The records of a picture's detections. */
  records: (picture: number, found: readonly Found[]) => object[];
}

/** GLIP's prompts: LVIS in chunks of 40 classes with 300 detections each; the others all classes at once with 100 detections. */
const lvisClasses = 40;

/** The plans of a request, and the path of its ground truth. @throws InputError for missing or malformed files. */
export async function planEvaluation(
  request: PlanRequest,
  output: string,
): Promise<{ groundTruth: string; plans: Plan[] }> {
  const { data, protocol } = request;
  if (protocol === "flickr30k") return { groundTruth: data, plans: [await flickrPlan(request, output)] };
  if (protocol !== "odinw") return { groundTruth: data, plans: [await cocoPlan(request, output)] };
  const { split: _, ...rest } = request;
  const plans = odinwFolders(data).map(({ name, groundTruth, known }) =>
    cocoPlan({ ...rest, as: "coco", data: groundTruth, ...(known && { known }) }, join(output, `${name}.jsonl`)),
  );
  return { groundTruth: data, plans: await Promise.all(plans) };
}

async function cocoPlan(request: PlanRequest & { known?: OdinwSetName }, file: string): Promise<Plan> {
  const { data, protocol, options, known } = request;
  const { truth: whole, place, pictures: folder } = await readGroundTruth(data, request);
  const truth = protocol === "ovd" ? openVocabularyOf(whole, []).groundTruth : whole;
  const isLvis = protocol === "lvis" || protocol === "lvis-fixed";
  const categories = [...truth.categories].sort((a, b) => a.id - b.id);
  const ids = new Map([...categories].reverse().map(({ id, name }) => [name, id]));
  const names = known?.classes?.every((name) => ids.has(name))
    ? [...known.classes]
    : [...new Set(categories.map(({ name }) => name))];
  const pictures = picturesOf(truth, folder);
  const prompts = request.prompts ? known?.prompts : undefined;
  const isTuned = request.adapted !== undefined && (await isTunedFor(names, request.adapted, place.path));
  const asked = prompts
    ? { captions: [captionOfPrompts(names, prompts)] }
    : { chunks: chunksOf(classesInWords(names, request.captions ?? []), isLvis ? lvisClasses : names.length) };
  // The reference includes a box's last pixel for COCO but not for LVIS (spec §6.1, §6.2).
  const last = isLvis ? 0 : 1;
  return {
    file,
    asked: digest([isTuned ? "adapted" : asked, pictures]),
    questions: pictures.map(({ picture }) => ({
      picture,
      ...(isTuned ? { adapted: true as const } : asked),
      options: { topK: isLvis ? 300 : 100, ...options },
    })),
    records: (picture, found) =>
      found.map(({ score, label, phrase, box: { xmin, ymin, xmax, ymax } }) => ({
        image_id: pictures[picture]!.id,
        category_id: ids.get(phrase === undefined ? label : names[phrase]!)!,
        bbox: [xmin, ymin, xmax - xmin + last, ymax - ymin + last],
        score,
      })),
  };
}

function chunksOf<Name>(names: readonly Name[], size: number): Name[][] {
  return Array.from({ length: Math.ceil(names.length / size) }, (_, i) => names.slice(size * i, size * (i + 1)));
}

/** Whether a file has an adapted prompt, not adapters. @throws InputError if its classes differ from the annotations' classes. */
async function isTunedFor(names: readonly string[], file: string, annotations: string): Promise<boolean> {
  const { prompt } = await readAdapted(file);
  if (!prompt) return false;
  const known = new Set(labelsOf(prompt.classes));
  if (known.size === names.length && names.every((name) => known.has(name))) return true;
  throw new InputError(`${file} is a prompt for ${[...known].join(", ")}, but ${annotations} has ${names.join(", ")}`);
}

function captionOfPrompts(names: readonly string[], prompts: NonNullable<OdinwSetName["prompts"]>) {
  const classes = names.map((label) => {
    const [prefix, name, suffix] = prompts[label] ?? [];
    return name === undefined ? label : { label, prefix: prefix!, name, suffix: suffix! };
  });
  const { caption, spans } = captionOfClasses(classes);
  return { text: caption, spans: spans.map(([start, end]): [number, number] => [start, end]) };
}

async function flickrPlan({ data, images, subset, options }: PlanRequest, file: string): Promise<Plan> {
  const problems = new Problems();
  const place = findDataset(data, { as: data.endsWith(".json") ? "mdetr" : "flickr30k" });
  const { images: pictures } =
    place.format === "mdetr" ? readMdetrPhrases(data, problems) : await datasetOfFlickr30k(data, subset, problems);
  problems.refuseErrors(data);
  const folder = pictureFolder(place, pictures, images);
  const found = picturesIn(
    folder,
    pictures.map(({ file }) => file),
  );
  const questions = pictures.map(({ captions }, place) => ({
    picture: found[place]!,
    captions: captions.map(({ text, phrases }) => ({ text, spans: phrases.map(({ spans }) => spans[0]!) })),
    options: { topK: 100, ...options },
  }));
  return {
    file,
    asked: digest(questions),
    questions,
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

function picturesOf(truth: CocoGroundTruth, folder: string): { id: Id; picture: string }[] {
  const paths = picturesIn(
    folder,
    truth.images.map((image) => pictureNameOf(image) ?? ""),
  );
  return truth.images.map(({ id }, place) => ({ id, picture: paths[place]! }));
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
