/** Runs an adaptation, scores the model before and after, and writes the result to a folder. */

import { existsSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DatasetChoice } from "../../data/readers/find-dataset.ts";
import { InputError } from "../../errors.ts";
import { writeInto } from "../../files/write-whole.ts";
import { writing } from "../../files/writing.ts";
import type { SizeRule } from "../../inputs/pictures/preparation.ts";
import { Interrupted } from "../../learning/interruption.ts";
import { memoryText } from "../../learning/memory-estimate.ts";
import { writeAdaptedPrompt } from "../../tasks/finding/adapted-prompt-file.ts";
import { writeAdapters } from "../../tasks/finding/adapters.ts";
import { type StoredModel, writeModelFolder } from "../../tasks/finding/model-folder.ts";
import { percent, plainTable } from "../detections/plain-table.ts";
import { ProgressBar } from "../progress/progress-bar.ts";
import { trainingProgress } from "../progress/training-progress.ts";
import { datasetEvaluation, type EvaluationWatch } from "../training/dataset-evaluation.ts";
import { type Adaptation, adaptModel } from "./adapt-model.ts";
import type { AdaptationRequest } from "./adaptation-request.ts";
import { nameOfSource, refuseOtherClasses, type Splits, splitsOf } from "./adapted-data.ts";
import type { Method } from "./methods.ts";

export interface AdaptationRun
  extends Omit<AdaptationRequest, "train" | "valid" | "replay" | "checkpoints" | "listeners" | "memory">,
    DatasetChoice {
  /** A dataset, with or without splits. */
  data: string;
  /** Annotations to train on as well, so that the model forgets less. */
  replay?: string;
  /** Annotations of other things, scored before and after; "none" turns this off. Default: `GENERAL_SET`. */
  retain?: string;
  /** Output folder. If it contains an adaptation, `resume` must be true. */
  out: string;
  /** Continues the adaptation in the output folder with the same bits. */
  resume?: boolean;
  /** Steps between checkpoints. Default: one checkpoint per minute. */
  checkpointEvery?: number;
  /** Shows no progress. */
  quiet?: boolean;
}

/** Generated scenes of fifty everyday names; none was used in training (`scripts/world/general-set.ts`). */
const GENERAL_SET = fileURLToPath(new URL("../../../assets/general/instances.json", import.meta.url));

/** Average precision (COCO, 0 to 1) before and after. */
export interface ScoreChange {
  data: string;
  before: number;
  after: number;
  /** Why there is only one score. */
  note?: string;
}

const UNCHANGED = "scored once, because a tuned prompt does not change the detections of other prompts";

export interface AdaptationReport {
  /** Output file or folder with the result. */
  written: string;
  method: string;
  shots: number | "all";
  seed: number;
  classes: readonly string[];
  steps: number;
  /** Number of trained parameters. */
  parameters: number;
  seconds: number;
  /** Scores on the test split, or on the valid split if there is no test split. */
  scored?: ScoreChange;
  /** Scores on the `retain` set. Prompt tuning does not change other prompts, so its scores before and after are the same. */
  retained?: ScoreChange;
}

/** Folder of the checkpoints, deleted when the adaptation is complete. */
const CHECKPOINT = "checkpoint";
const REPORT = "adaptation.json";
const MODEL = "model";
const PROMPT = "prompt.safetensors";
const ADAPTERS = "adapters.safetensors";

/**
 * Adapts a model, scores it before and after, and writes `out/model`, `out/prompt.safetensors` or `out/adapters.safetensors`, and
 * `out/adaptation.json`. Resuming a complete adaptation only returns its report. Errors as `adaptModel`; InputError if the folder contains
 * an adaptation and `resume` is false; Interrupted after the signal, when a checkpoint is written.
 */
export async function runAdaptation(base: StoredModel, run: AdaptationRun): Promise<AdaptationReport> {
  const { data, images, as, split, out, resume = false, quiet } = run;
  if (!resume) refuseOtherAdaptation(out);
  else if (existsSync(join(out, REPORT))) return finished(out);
  const splits = splitsOf(data, {
    ...(images !== undefined && { images }),
    ...(as && { as }),
    ...(split !== undefined && { split }),
  });
  await refuseOtherClasses(splits);
  const bar = new ProgressBar({ label: "scoring", unit: "pictures", quiet });
  // Created first, so that problems in their files are reported before training.
  const score = await scoring(base, run, { splits, bar });
  await writing(out, () => mkdir(out, { recursive: true }));
  const adaptation = await adaptModel(base, requestOf(run, splits));
  if (adaptation.interrupted)
    throw new Interrupted(
      `interrupted after ${adaptation.steps} steps, saved in ${join(out, CHECKPOINT)}; to continue, add --resume to the same command`,
    );
  const written = await write(adaptation, { method: run.method, base, out });
  try {
    const report = { written, ...factsOf(run, adaptation), ...(await score(adaptation)) };
    await writeInto(out, REPORT, `${JSON.stringify(report, null, 2)}\n`);
    await rm(join(out, CHECKPOINT), { recursive: true, force: true });
    return report;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    throw new Interrupted(
      `${written} is complete, but scoring was interrupted; to continue, add --resume to the same command`,
    );
  } finally {
    bar.stop();
  }
}

/** What `adaptModel` is asked for: the run without the options of its files and its scoring. */
function requestOf(
  { data, images, as, split, replay, retain, out, resume = false, checkpointEvery, quiet, ...request }: AdaptationRun,
  { train, valid }: Splits,
): AdaptationRequest {
  const pace = checkpointEvery === undefined ? { seconds: 60 } : { every: checkpointEvery };
  return {
    ...request,
    train,
    ...(valid ? { valid } : {}),
    ...(replay ? { replay: { data: replay } } : {}),
    checkpoints: { folder: join(out, CHECKPOINT), resume, ...pace },
    listeners: [trainingProgress({ quiet, evaluated: scoreWords, mayEndEarly: valid !== undefined })],
    ...(quiet ? {} : { memory: (estimate) => process.stderr.write(`memory: ${memoryText(estimate)}\n`) }),
  };
}

/** Prepares the scores of a run; the result scores the base and the adapted model. */
async function scoring(
  base: StoredModel,
  { retain = GENERAL_SET, size = base.preparation.size, captions, signal, device }: AdaptationRun,
  { splits: { valid, test }, bar }: { splits: Splits; bar: ProgressBar },
): Promise<(adaptation: Adaptation) => Promise<Pick<AdaptationReport, "scored" | "retained">>> {
  const scoredData = test ?? valid;
  const watch = { progress: shownOn(bar), signal, ...(device ? { device } : {}) };
  const own = scoredData && (await scorer(base, { ...scoredData, ...(captions ? { captions } : {}) }, { size, watch }));
  const others = retain === "none" ? undefined : await scorer(base, { data: retain }, { size, watch });
  return async ({ stored, prompt }) => ({
    ...(own ? { scored: await gainOf(nameOfSource(scoredData), own, { base, stored }) } : {}),
    ...(others ? { retained: await gainOf(retain, others, { base, ...(prompt ? {} : { stored }) }) } : {}),
  });
}

function factsOf(
  { method, shots, seed = 10 }: AdaptationRun,
  { names: classes, steps, prompt, learned, seconds }: Adaptation,
): Omit<AdaptationReport, "written" | "scored" | "retained"> {
  const parameters = prompt?.vectors.length ?? lengthOf(learned);
  return { method, shots: shots ?? "all", seed, classes, steps, parameters, seconds: Math.round(seconds * 10) / 10 };
}

function refuseOtherAdaptation(out: string): void {
  const found = [REPORT, MODEL, PROMPT, ADAPTERS, CHECKPOINT].find((name) => existsSync(join(out, name)));
  if (found !== undefined)
    throw new InputError(
      `${out} contains an adaptation (${join(out, found)}); continue it with --resume, or give another folder with --out`,
    );
}

/** The report of a complete adaptation. */
async function finished(out: string): Promise<AdaptationReport> {
  await rm(join(out, CHECKPOINT), { recursive: true, force: true });
  return JSON.parse(await readFile(join(out, REPORT), "utf8"));
}

function shownOn(bar: ProgressBar): (done: number, total: number) => void {
  return (done, total) => {
    if (done === 0) {
      bar.stop();
      bar.start(total);
    }
    bar.update(done);
  };
}

/** The report as a table. */
export function reportTable({
  written,
  method,
  steps,
  parameters,
  seconds,
  scored,
  retained,
}: AdaptationReport): string {
  const rows = [scored, retained].flatMap((gain) =>
    gain ? [[nameOf(gain), percent(gain.before), percent(gain.after)]] : [],
  );
  const note = retained?.note ? `${nameOf(retained)}: ${retained.note}\n` : "";
  const facts = `${method}: ${parameters} parameters trained in ${steps} steps, ${seconds} s\n${written}\n`;
  return rows.length > 0 ? `${facts}\n${plainTable(["AP, %", "before", "after"], rows)}\n${note}` : facts;
}

function nameOf({ data }: ScoreChange): string {
  return data === GENERAL_SET ? "other things" : data;
}

function scoreWords({ step, metrics }: { step: number; metrics: Record<string, number> }): string {
  return `step ${step}, AP ${percent(metrics.AP!)} %`;
}

type Scorer = (stored: StoredModel) => Promise<number>;

/** Scores models on the same pictures. Throws InputError at once if files are missing or malformed. */
async function scorer(
  base: StoredModel,
  files: Parameters<typeof datasetEvaluation>[2],
  { size: { short, max }, watch }: { size: SizeRule; watch: EvaluationWatch },
): Promise<Scorer> {
  const every = { evaluateEvery: 1, evaluatePictures: Number.POSITIVE_INFINITY, ...watch };
  const evaluationOf = (stored: StoredModel) =>
    datasetEvaluation(every, { sizes: [short], longest: max }, files, stored);
  const ofBase = await evaluationOf(base);
  return async (stored) => {
    const { run } = stored === base ? ofBase : await evaluationOf(stored);
    return (await run({ weights: stored.weights, average: undefined, step: 0 })).AP!;
  };
}

/** Without `stored`, the score after is the same as the score before. */
async function gainOf(
  data: string,
  score: Scorer,
  { base, stored }: { base: StoredModel; stored?: StoredModel },
): Promise<ScoreChange> {
  const before = await score(base);
  return stored ? { data, before, after: await score(stored) } : { data, before, after: before, note: UNCHANGED };
}

/** Writes the vectors of a tuned prompt, the adapters, or the model. */
async function write(
  adaptation: Adaptation,
  { method, base, out }: { method: Method; base: StoredModel; out: string },
): Promise<string> {
  const { stored, learned, prompt, names } = adaptation;
  if (prompt) {
    const file = join(out, PROMPT);
    await writeAdaptedPrompt(file, prompt);
    return file;
  }
  if (method === "adapters") {
    const file = join(out, ADAPTERS);
    await writeAdapters(file, learned, { base, classes: names });
    return file;
  }
  const folder = join(out, MODEL);
  const { model, weights, vocabulary, preparation } = stored;
  await writeModelFolder(folder, {
    ...{ type: base.type, config: base.model.config, vocabulary, preparation },
    card: `# Adapted model\n\nMade by \`groundling adapt\` for: ${names.join(", ")}.\n`,
    weights: model.parameters.map(({ name, shape }) => ({
      ...{ name, dtype: "F32" as const, shape, data: weights.get(name)! },
    })),
  });
  return folder;
}

function lengthOf(numbers: Adaptation["learned"]): number {
  return [...numbers.values()].reduce((sum, { length }) => sum + length, 0);
}
