/** Runs a model on a dataset and writes a file of detections, ready for scoring. */
import { existsSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { readJsonLines } from "../data/readers/json.ts";
import { InputError } from "../errors.ts";
import { writeWhole } from "../files/write-whole.ts";
import type { Device } from "../onnx/devices.ts";
import { type Answering, modelHere, modelsInThreads } from "./answering.ts";
import type { Asks, Plan, PlanRequest } from "./protocols/protocol-row.ts";
import { type Protocol, protocolRows } from "./protocols.ts";
import { recordInOrder } from "./record-in-order.ts";

export interface ModelRequest extends PlanRequest {
  protocol: Protocol;
  /** Default: the built-in model. */
  model?: string;
  workers: number;
  /** Where the model runs (default: cpu). */
  device?: Device;
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
  const { model, adapted, device, workers, protocol } = request;
  const { plan, asks: kind = "detector" } = await protocolRows[protocol]();
  const plans = await plan(request, output);
  refuseOverwriting(plans);
  const asking = { kind, model, adapted, device };
  const models = workers > 1 ? modelsInThreads(asking, workers) : [await modelHere(asking)];
  try {
    for (const plan of plans) await record(plan, models, request);
  } finally {
    await Promise.all(models.map((one) => one.dispose()));
  }
  // The results of all files are kept until the last file is written, so that an interrupted run over many files can continue.
  for (const plan of plans) await writeRecords(plan);
  for (const { file } of plans) rmSync(answersOf(file));
}

async function record({ file, asked, requests }: Plan, models: readonly Answering[], request: ModelRequest) {
  const { model, adapted, options, progress, signal } = request;
  await recordInOrder({
    file: answersOf(file),
    run: {
      model: modelIdentity(model),
      ...(adapted ? { adapted: modelIdentity(adapted) } : {}),
      ...{ asked, options, pictures: requests.length },
    },
    items: requests.length,
    workers: models.map((one) => async (item) => one.answer(requests[item]!)),
    progress: progress?.(file, requests.length),
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
async function writeRecords(plan: Plan): Promise<void> {
  await writeWhole(plan.file, async (target) => {
    for await (const { line, record } of readJsonLines(answersOf(plan.file))) {
      if (line === 1) continue;
      const lines = plan
        .records(line - 2, record as Asks[keyof Asks]["answer"])
        .map((entry) => `${JSON.stringify(entry)}\n`);
      await target.writeFile(lines.join(""));
    }
  });
}
