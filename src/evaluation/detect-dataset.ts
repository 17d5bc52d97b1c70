/** From a model and a dataset to a file of detections, which is then scored as any other. */
import { rmSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { SingleBar } from "cli-progress";
import { readJsonLines } from "../data/readers/json.ts";
import { visible } from "../files/visible.ts";
import { writeWhole } from "../files/write-whole.ts";
import { detectorHere, detectorsInThreads, type Found } from "./detector.ts";
import { type Plan, type PlanRequest, planEvaluation } from "./plans.ts";
import { recordInOrder } from "./record-in-order.ts";

export interface ModelRequest extends PlanRequest {
  /** The built-in model unless given. */
  model?: string;
  workers: number;
}

/** Detects over a dataset into a file (a folder for odinw), taking up an interrupted run, and says where the ground truth lies. */
export async function detectDataset(request: ModelRequest, output: string): Promise<{ groundTruth: string }> {
  const { model, adapted, workers, options } = request;
  const { groundTruth, plans } = await planEvaluation(request, output);
  const asking = { model, adapted };
  const detectors = workers > 1 ? detectorsInThreads(asking, workers) : [await detectorHere(asking)];
  try {
    for (const { file, asked, questions, records } of plans) {
      const bar = new SingleBar({
        stream: process.stderr,
        format: `${visible(basename(file))} {bar} {value}/{total} · {eta_formatted} left`,
        noTTYOutput: true,
        notTTYSchedule: 10_000,
      });
      bar.start(questions.length, 0);
      const answers = `${file}.part`;
      try {
        await recordInOrder({
          file: answers,
          run: {
            model: modelMark(model),
            ...(adapted ? { adapted: modelMark(adapted) } : {}),
            asked,
            options,
            pictures: questions.length,
          },
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
  await writeWhole(file, async (target) => {
    for await (const { line, record } of readJsonLines(answers)) {
      if (line === 1) continue;
      const lines = records(line - 2, record as Found[]).map((entry) => `${JSON.stringify(entry)}\n`);
      await target.writeFile(lines.join(""));
    }
  });
  rmSync(answers);
}
