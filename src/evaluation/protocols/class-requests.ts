/** Requests for all classes of a dataset in each of its pictures. */

import { pictureNameOf } from "../../data/readers/coco.ts";
import type { CocoGroundTruth, Id } from "../../data/readers/coco-records.ts";
import { picturesIn } from "../../data/readers/folders.ts";
import { readGroundTruth } from "../../data/readers/ground-truth.ts";
import type { OdinwSetName } from "../../data/readers/odinw-sets.ts";
import { InputError } from "../../errors.ts";
import { captionOfClasses, classesInWords, labelsOf } from "../../inputs/words/prompts.ts";
import type { Found } from "./detection-request.ts";
import { digestOf } from "./digest.ts";
import type { Plan, PlanRequest } from "./protocol-row.ts";

/** How a protocol prompts for classes. */
export interface ClassRequests {
  /** Number of classes in one prompt. Default: all. */
  readonly atOnce?: number;
  /** Maximum number of detections per prompt. */
  readonly topK: number;
  /** Whether a box's width and height include its last pixel: the reference does this for COCO but not for LVIS. */
  readonly lastPixel: boolean;
  /** Selects a part of the dataset. Default: all. */
  readonly partOf?: (truth: CocoGroundTruth) => CocoGroundTruth;
  /** For ODinW: the class order and the prompts of the dataset. */
  readonly known?: OdinwSetName;
}

/** GLIP's prompts for COCO: all classes at once with 100 detections. */
export const cocoRequests: ClassRequests = { topK: 100, lastPixel: true };

/** The plan of one file of detections in COCO's format. Throws InputError for missing or malformed files. */
export async function planClasses(request: PlanRequest, file: string, how = cocoRequests): Promise<Plan<"detector">> {
  const { truth: whole, place, pictures: folder } = await readGroundTruth(request.data, request);
  const truth = how.partOf?.(whole) ?? whole;
  const { names, ids } = classesOf(truth, how.known);
  const pictures = picturesOf(truth, folder);
  const prompts = request.prompts ? how.known?.prompts : undefined;
  const isTuned = request.adapted !== undefined && (await isTunedFor(names, request.adapted, place.path));
  const asked = prompts
    ? { captions: [captionOfPrompts(names, prompts)] }
    : { chunks: chunksOf(classesInWords(names, request.captions ?? []), how.atOnce ?? names.length) };
  const recordOf = (picture: number, { score, label, phrase, box: { xmin, ymin, xmax, ymax } }: Found) => ({
    image_id: pictures[picture]!.id,
    category_id: ids.get(phrase === undefined ? label : names[phrase]!)!,
    bbox: [xmin, ymin, xmax - xmin + Number(how.lastPixel), ymax - ymin + Number(how.lastPixel)],
    score,
  });
  return {
    file,
    asked: digestOf([isTuned ? "adapted" : asked, pictures]),
    requests: pictures.map(({ picture }) => ({
      picture,
      ...(isTuned ? { adapted: true as const } : asked),
      options: { topK: how.topK, ...request.options },
    })),
    records: (picture, found) => found.map((one) => recordOf(picture, one)),
  };
}

/** Class names in the order of the prompt, and the category of each name. */
function classesOf(truth: CocoGroundTruth, known: OdinwSetName | undefined) {
  const categories = [...truth.categories].sort((a, b) => a.id - b.id);
  const ids = new Map([...categories].reverse().map(({ id, name }) => [name, id]));
  const names = known?.classes?.every((name) => ids.has(name))
    ? [...known.classes]
    : [...new Set(categories.map(({ name }) => name))];
  return { names, ids };
}

function chunksOf<Name>(names: readonly Name[], size: number): Name[][] {
  return Array.from({ length: Math.ceil(names.length / size) }, (_, i) => names.slice(size * i, size * (i + 1)));
}

/** Whether a file has an adapted prompt, not adapters. Throws InputError if its classes differ from the annotations' classes. */
async function isTunedFor(names: readonly string[], file: string, annotations: string): Promise<boolean> {
  // Loaded only here, because scoring files needs no weights.
  const { readAdapted } = await import("../../tasks/finding/adapted-file.ts");
  const { prompt } = await readAdapted(file);
  if (!prompt) return false;
  const known = new Set(labelsOf(prompt.classes));
  if (known.size === names.length && names.every((name) => known.has(name))) return true;
  throw new InputError(
    `${file} is a prompt for ${[...known].join(", ")}, but ${annotations} has ${names.join(", ")}; give a prompt for the same classes`,
  );
}

function captionOfPrompts(names: readonly string[], prompts: NonNullable<OdinwSetName["prompts"]>) {
  const classes = names.map((label) => {
    const [prefix, name, suffix] = Object.hasOwn(prompts, label) ? prompts[label]! : [];
    return name === undefined ? label : { label, prefix: prefix!, name, suffix: suffix! };
  });
  const { caption, spans } = captionOfClasses(classes);
  return { text: caption, spans: spans.map(([start, end]): [number, number] => [start, end]) };
}

function picturesOf(truth: CocoGroundTruth, folder: string): { id: Id; picture: string }[] {
  const paths = picturesIn(
    folder,
    truth.images.map((image) => pictureNameOf(image) ?? ""),
  );
  return truth.images.map(({ id }, place) => ({ id, picture: paths[place]! }));
}
