/** From a model and a dataset to a file of detections, which is then scored as any other. */
import { existsSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { readJsonLines } from "../data/readers/json.ts";
import { InputError } from "../errors.ts";
import { writeWhole } from "../files/write-whole.ts";
import { type AnsweringModel, detectorHere, detectorsInThreads, type Found } from "./detector.ts";
import { type Plan, type PlanRequest, planEvaluation } from "./plans.ts";
import { recordInOrder } from "./record-in-order.ts";

export interface ModelRequest extends PlanRequest {
  /** The built-in model unless given. */
  model?: string;
  workers: number;
  /** Called for each file of detections; answers with what is called with the number of pictures done. */
  progress?: (file: string, pictures: number) => (done: number) => void;
  /** Ends the run after the pictures under way. */
  signal?: AbortSignal;
}

/**
 * Detects over a dataset into a file (a folder for odinw), taking up an interrupted run, and says where the ground truth lies.
 * Throws InputError where the file is there already, or holds another run's answers, and Interrupted where the signal ended it.
 */
export async function detectDataset(request: ModelRequest, output: string): Promise<{ groundTruth: string }> {
  const { model, adapted, workers } = request;
  const { groundTruth, plans } = await planEvaluation(request, output);
  refuseOverwriting(plans);
  const asking = { model, adapted };
  const detectors = workers > 1 ? detectorsInThreads(asking, workers) : [await detectorHere(asking)];
  try {
    for (const plan of plans) await record(plan, detectors, request);
  } finally {
    await Promise.all(detectors.map((detector) => detector.dispose()));
  }
  // The answers of all files stay until the last is written, so that a run of many that is ended between them goes on behind them.
  for (const { file, records } of plans) await writeRecords(answersOf(file), file, records);
  for (const { file } of plans) rmSync(answersOf(file));
  return { groundTruth };
}

async function record({ file, asked, questions }: Plan, detectors: readonly AnsweringModel[], request: ModelRequest) {
  const { model, adapted, options, progress, signal } = request;
  await recordInOrder({
    file: answersOf(file),
    run: {
      model: modelMark(model),
      ...(adapted ? { adapted: modelMark(adapted) } : {}),
      ...{ asked, options, pictures: questions.length },
    },
    items: questions.length,
    workers: detectors.map((detector) => async (item) => detector.answer(questions[item]!)),
    progress: progress?.(file, questions.length),
    signal,
  });
}

/** Where answers are kept until a file of detections is whole. */
function answersOf(file: string): string {
  return `${file}.part`;
}

/** A file that is whole belongs to someone, unless answers beside it say that its run goes on. */
function refuseOverwriting(plans: readonly Plan[]): void {
  const there = plans.map(({ file }) => file).find((file) => existsSync(file) && !existsSync(answersOf(file)));
  if (there !== undefined)
    throw new InputError(
      `${there} is there already; score it with --ground-truth and --detections alone, remove it, or give another file by --detections`,
    );
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
  await writeWhole(file, async (target) => {
    for await (const { line, record } of readJsonLines(answers)) {
      if (line === 1) continue;
      const lines = records(line - 2, record as Found[]).map((entry) => `${JSON.stringify(entry)}\n`);
      await target.writeFile(lines.join(""));
    }
  });
}
