/** Runs a model on a dataset and writes a file of detections, ready for scoring. */
import { existsSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { readJsonLines } from "../data/readers/json.ts";
import { InputError } from "../errors.ts";
import { writeWhole } from "../files/write-whole.ts";
import { type AnsweringModel, detectorHere, detectorsInThreads } from "./detector.ts";
import type { Found } from "./protocols/detection-request.ts";
import type { Plan, PlanRequest } from "./protocols/protocol-row.ts";
import { type Protocol, protocolRows } from "./protocols.ts";
import { recordInOrder } from "./record-in-order.ts";

export interface ModelRequest extends PlanRequest {
  protocol: Protocol;
  /** Default: the built-in model. */
  model?: string;
  workers: number;
  /** Called for each file of detections. Returns a function that is called with the number of pictures done. */
  progress?: (file: string, pictures: number) => (done: number) => void;
  /** Stops the run after the current pictures. */
  signal?: AbortSignal;
}

/**
 * Writes the detections of a dataset to a file, or to a folder of files if the protocol has several datasets, continuing an interrupted
 * run. Throws InputError if the file exists or has another run's results, and Interrupted if the signal stopped it.
 */
export async function detectDataset(request: ModelRequest, output: string): Promise<void> {
  const { model, adapted, workers, protocol } = request;
  const { plan } = await protocolRows[protocol]();
  const plans = await plan(request, output);
  refuseOverwriting(plans);
  const asking = { model, adapted };
  const detectors = workers > 1 ? detectorsInThreads(asking, workers) : [await detectorHere(asking)];
  try {
    for (const plan of plans) await record(plan, detectors, request);
  } finally {
    await Promise.all(detectors.map((detector) => detector.dispose()));
  }
  // The results of all files are kept until the last file is written, so that an interrupted run over many files can continue.
  for (const { file, records } of plans) await writeRecords(answersOf(file), file, records);
  for (const { file } of plans) rmSync(answersOf(file));
}

async function record(
  { file, asked, requests: questions }: Plan,
  detectors: readonly AnsweringModel[],
  request: ModelRequest,
) {
  const { model, adapted, options, progress, signal } = request;
  await recordInOrder({
    file: answersOf(file),
    run: {
      model: modelIdentity(model),
      ...(adapted ? { adapted: modelIdentity(adapted) } : {}),
      ...{ asked, options, pictures: questions.length },
    },
    items: questions.length,
    workers: detectors.map((detector) => async (item) => detector.answer(questions[item]!)),
    progress: progress?.(file, questions.length),
    signal,
  });
}

/** The file of results until the detections are complete. */
function answersOf(file: string): string {
  return `${file}.part`;
}

/** Refuses to replace a complete file, unless there is a file of results, which means that its run continues. */
function refuseOverwriting(plans: readonly Plan[]): void {
  const there = plans.map(({ file }) => file).find((file) => existsSync(file) && !existsSync(answersOf(file)));
  if (there !== undefined)
    throw new InputError(
      `${there} exists already; score it with --ground-truth and --detections (without --data), delete it, or give another file with --detections`,
    );
}

/** Identifies the model by the size and time of its weights, so that a run does not continue with other weights. */
function modelIdentity(model: string | undefined): object {
  if (model === undefined) return { name: "built-in" };
  const stat = statSync(model, { throwIfNoEntry: false });
  const weights = stat?.isDirectory() ? statSync(join(model, "model.safetensors"), { throwIfNoEntry: false }) : stat;
  return { name: resolve(model), bytes: weights?.size ?? 0, changed: weights?.mtimeMs ?? 0 };
}

/** Converts the results to records, one per line; the file appears when it is complete. */
async function writeRecords(answers: string, file: string, records: Plan["records"]): Promise<void> {
  await writeWhole(file, async (target) => {
    for await (const { line, record } of readJsonLines(answers)) {
      if (line === 1) continue;
      const lines = records(line - 2, record as Found[]).map((entry) => `${JSON.stringify(entry)}\n`);
      await target.writeFile(lines.join(""));
    }
  });
}
