/** From a model and a dataset to a file of detections, which is then scored as any other. */
import { createHash } from "node:crypto";
import { readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { SingleBar } from "cli-progress";
import { pictureFolder } from "../../data/readers/check.ts";
import { readCocoAnnotations } from "../../data/readers/coco-files.ts";
import type { CocoGroundTruth, Id } from "../../data/readers/coco-records.ts";
import { datasetOfFlickr30k } from "../../data/readers/flickr30k.ts";
import { firstExisting } from "../../data/readers/folders.ts";
import { annotationFile } from "../../data/readers/formats.ts";
import { readJsonLines } from "../../data/readers/json.ts";
import { Problems } from "../../data/readers/problems.ts";
import { recordInOrder } from "../../engine/evaluation/record-in-order.ts";
import { InputError } from "../../errors.ts";
import type { DetectOptions } from "../../tasks/grounding/grounding-model.ts";
import { detectorHere, detectorsInThreads, type Found, type Question } from "./eval-detector.ts";
import { odinwSets, type Protocol } from "./eval-files.ts";

export interface ModelRequest {
  /** The built-in model unless given. */
  model?: string;
  /** A dataset's folder or annotation file. */
  data: string;
  images?: string;
  subset: string;
  protocol: Protocol;
  workers: number;
  options: DetectOptions;
}

/** How GLIP asks: LVIS in chunks of 40 classes with 300 detections each, the others all at once with 100. */
const lvisClasses = 40;

/** One file of detections to be made. */
interface Plan {
  file: string;
  /** What the answers depend on besides model and options. */
  truth: string;
  questions: Question[];
  /** The records of a picture's answer. */
  records: (picture: number, found: readonly Found[]) => object[];
}

/** Detects over a dataset into a file (a folder for odinw), taking up an interrupted run, and says where the ground truth lies. */
export async function detectDataset(request: ModelRequest, output: string): Promise<{ groundTruth: string }> {
  const { model, workers, options } = request;
  const { groundTruth, plans } = await planOf(request, output);
  const detectors = workers > 1 ? detectorsInThreads(model, workers) : [await detectorHere(model)];
  try {
    for (const { file, truth, questions, records } of plans) {
      const bar = new SingleBar({
        stream: process.stderr,
        format: `${basename(file)} {bar} {value}/{total} · {eta_formatted} left`,
        noTTYOutput: true,
        notTTYSchedule: 10_000,
      });
      bar.start(questions.length, 0);
      const answers = `${file}.part`;
      try {
        await recordInOrder({
          file: answers,
          run: { model: modelMark(model), truth, options, pictures: questions.length },
          items: questions.length,
          workers: detectors.map((detector) => async (item) => detector.answer(questions[item]!)),
          progress: (done) => bar.update(done),
        });
      } finally {
        bar.stop();
      }
      await writeRecords(answers, file, records);
    }
  } finally {
    await Promise.all(detectors.map((detector) => detector.dispose()));
  }
  return { groundTruth };
}

/** Which model: its weights by size and time, so that a run is not taken up with other weights. */
function modelMark(model: string | undefined): object {
  if (model === undefined) return { name: "built-in" };
  const stat = statSync(model, { throwIfNoEntry: false });
  const weights = stat?.isDirectory() ? statSync(join(model, "model.safetensors"), { throwIfNoEntry: false }) : stat;
  return { name: resolve(model), bytes: weights?.size ?? 0, changed: weights?.mtimeMs ?? 0 };
}

/** Turns the answers into records, one a line; the file appears when it is whole. */
async function writeRecords(answers: string, file: string, records: Plan["records"]): Promise<void> {
  const target = await open(`${file}.whole`, "w");
  try {
    for await (const { line, record } of readJsonLines(answers)) {
      if (line === 1) continue;
      const lines = records(line - 2, record as Found[]).map((entry) => `${JSON.stringify(entry)}\n`);
      await target.writeFile(lines.join(""));
    }
  } finally {
    await target.close();
  }
  renameSync(`${file}.whole`, file);
  rmSync(answers);
}

async function planOf(request: ModelRequest, output: string): Promise<{ groundTruth: string; plans: Plan[] }> {
  const { data, protocol } = request;
  if (protocol === "flickr30k") {
    return { groundTruth: data, plans: [await flickrPlan(request, output)] };
  }
  if (protocol === "odinw") {
    const plans = odinwSets(data).map(({ name, groundTruth }) =>
      cocoPlan({ ...request, data: groundTruth }, join(output, `${name}.jsonl`)),
    );
    return { groundTruth: data, plans };
  }
  return { groundTruth: annotationFile(data), plans: [cocoPlan(request, output)] };
}

function cocoPlan({ data, protocol, images, options }: ModelRequest, file: string): Plan {
  const annotations = annotationFile(data);
  const truth = readCocoAnnotations(annotations);
  const folder = pictureFolder(annotations, "coco", images);
  const isLvis = protocol === "lvis" || protocol === "lvis-fixed";
  const categories = [...truth.categories].sort((a, b) => a.id - b.id);
  const names = [...new Set(categories.map(({ name }) => name))];
  const chunk = isLvis ? lvisClasses : names.length;
  const chunks = Array.from({ length: Math.ceil(names.length / chunk) }, (_, i) =>
    names.slice(chunk * i, chunk * (i + 1)),
  );
  const ids = new Map([...categories].reverse().map(({ id, name }) => [name, id]));
  const pictures = picturesOf(truth, folder);
  // The reference counts a box's last pixel in for COCO, and does not for LVIS (spec §6.1, §6.2).
  const last = isLvis ? 0 : 1;
  return {
    file,
    truth: digest(annotations),
    questions: pictures.map(({ picture }) => ({ picture, chunks, options: { topK: isLvis ? 300 : 100, ...options } })),
    records: (picture, found) =>
      found.map(({ score, label, box: { xmin, ymin, xmax, ymax } }) => ({
        image_id: pictures[picture]!.id,
        category_id: ids.get(label)!,
        bbox: [xmin, ymin, xmax - xmin + last, ymax - ymin + last],
        score,
      })),
  };
}

async function flickrPlan({ data, images, subset, options }: ModelRequest, file: string): Promise<Plan> {
  const { images: pictures } = await datasetOfFlickr30k(data, subset, new Problems());
  const folder = pictureFolder(data, "flickr30k", images);
  return {
    file,
    truth: digest(join(data, `${subset}.txt`)),
    questions: pictures.map(({ id, file, captions }) => ({
      picture: firstExisting(folder, [file]) ?? missing(folder, [`${id}.jpg`]),
      captions: captions.map(({ text, phrases }) => ({ text, spans: phrases.map(({ spans }) => spans[0]!) })),
      options: { topK: 100, ...options },
    })),
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
  const absent: string[] = [];
  const found = truth.images.map((image) => {
    const coco_url = "coco_url" in image && typeof image.coco_url === "string" ? image.coco_url : "";
    const name = image.file_name ?? coco_url.split("/").slice(-2).join("/");
    const picture = firstExisting(folder, [name, basename(name)]);
    if (!picture) absent.push(name);
    return { id: image.id, picture: picture ?? "" };
  });
  return absent.length ? missing(folder, absent) : found;
}

function missing(folder: string, names: readonly string[]): never {
  throw new InputError(
    `${folder}: ${names.length} pictures are missing (${names.slice(0, 3).join(", ")}); say where they are with --images`,
  );
}

function digest(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
