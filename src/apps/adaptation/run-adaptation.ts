/** An adaptation with its scores before and after, written to a folder. */

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
import { memoryWords } from "../../learning/memory-estimate.ts";
import { writeAdaptedPrompt } from "../../tasks/finding/adapted-prompt.ts";
import { writeAdapters } from "../../tasks/finding/adapters.ts";
import { type StoredModel, writeModelFolder } from "../../tasks/finding/model-folder.ts";
import { percent, plainTable } from "../detections/plain-table.ts";
import { ProgressBar } from "../progress/progress-bar.ts";
import { trainingProgress } from "../progress/training-progress.ts";
import { datasetEvaluation, type EvaluationWatch } from "../training/dataset-evaluation.ts";
import { type Adaptation, type AdaptationRequest, adaptModel } from "./adapt-model.ts";
import { nameOfSource, refuseOtherClasses, splitsOf } from "./adapted-data.ts";
import type { Method } from "./methods.ts";

export interface AdaptationRun
  extends Omit<AdaptationRequest, "train" | "valid" | "replay" | "checkpoints" | "listeners" | "memory">,
    DatasetChoice {
  /** A dataset, with splits or in one piece. */
  data: string;
  /** Annotations to learn beside. */
  replay?: string;
  /** Annotations of other things, scored before and after; `GENERAL_SET` unless told, nothing where "none". */
  retain?: string;
  /** Folder that is written. One that holds an adaptation is refused unless it is resumed. */
  out: string;
  /** Goes on with the adaptation that the folder holds, to the same bits. */
  resume?: boolean;
  /** Steps between checkpoints; one a minute is written without. */
  checkpointEvery?: number;
  /** Draws no progress. */
  quiet?: boolean;
}

/** Generated scenes of fifty everyday names that no training showed (`scripts/world/general-set.ts`). */
export const GENERAL_SET = fileURLToPath(new URL("../../../assets/general/instances.json", import.meta.url));

/** Average precision (COCO, 0 to 1) before and after. */
export interface Gain {
  data: string;
  before: number;
  after: number;
  /** Why it was scored only once. */
  note?: string;
}

const UNCHANGED = "scored once, as a tuned prompt cannot change what other prompts find";

export interface AdaptationReport {
  /** File or folder of what was learned. */
  written: string;
  method: string;
  shots: number | "all";
  seed: number;
  classes: readonly string[];
  steps: number;
  /** How many numbers were learned. */
  parameters: number;
  seconds: number;
  /** Of the test split, or of the valid split where there is no other. */
  scored?: Gain;
  /** Of the set in which nothing was to be learned; the same before and after for prompt tuning, which other prompts do not meet. */
  retained?: Gain;
}

/** Of a folder's adaptation, while it is made; gone when it is whole. */
const CHECKPOINT = "checkpoint";
const REPORT = "adaptation.json";
const MODEL = "model";
const PROMPT = "prompt.safetensors";
const ADAPTERS = "adapters.safetensors";

/**
 * Adapts, scores before and after, and writes `out/model`, `out/prompt.safetensors` or `out/adapters.safetensors`, and `out/adaptation.json`.
 * An adaptation that is whole is not made again when it is resumed. Errors as `adaptModel`; InputError where the folder holds an adaptation
 * that is not resumed; Interrupted where the signal ended it, after its checkpoint is written.
 */
export async function runAdaptation(base: StoredModel, run: AdaptationRun): Promise<AdaptationReport> {
  const {
    data,
    images,
    as,
    split,
    replay,
    retain = GENERAL_SET,
    out,
    resume = false,
    checkpointEvery,
    quiet,
    ...request
  } = run;
  const { signal } = request;
  if (!resume) refuseOtherAdaptation(out);
  else if (existsSync(join(out, REPORT))) return finished(out);
  const splits = splitsOf(data, {
    ...(images !== undefined && { images }),
    ...(as && { as }),
    ...(split !== undefined && { split }),
  });
  const { train, valid, test } = splits;
  await refuseOtherClasses(splits);
  const size = run.size ?? base.preparation.size;
  const scoredData = test ?? valid;
  const captions = run.captions ? { captions: run.captions } : {};
  const bar = new ProgressBar({ label: "scoring", unit: "pictures", quiet });
  const watch = { progress: shownOn(bar), signal };
  // Made first, so that what is wrong with their files is told before anything is trained.
  const own = scoredData && (await scorer(base, { ...scoredData, ...captions }, { size, watch }));
  const others = retain === "none" ? undefined : await scorer(base, { data: retain }, { size, watch });
  await writing(out, () => mkdir(out, { recursive: true }));
  const folder = join(out, CHECKPOINT);
  const pace = checkpointEvery === undefined ? { seconds: 60 } : { every: checkpointEvery };
  const adaptation = await adaptModel(base, {
    ...request,
    train,
    ...(valid ? { valid } : {}),
    ...(replay ? { replay: { data: replay } } : {}),
    checkpoints: { folder, resume, ...pace },
    listeners: [trainingProgress({ quiet, evaluated: scoreWords, mayEndEarly: valid !== undefined })],
    ...(quiet ? {} : { memory: (estimate) => process.stderr.write(`memory: ${memoryWords(estimate)}\n`) }),
  });
  const { stored, prompt, steps } = adaptation;
  if (adaptation.interrupted)
    throw new Interrupted(
      `interrupted after ${steps} steps, which ${folder} keeps; go on with the same words and --resume`,
    );
  const written = await write(adaptation, { method: run.method, base, out });
  try {
    const report: AdaptationReport = {
      written,
      method: run.method,
      shots: run.shots ?? "all",
      seed: run.seed ?? 10,
      classes: adaptation.names,
      steps,
      parameters: prompt?.vectors.length ?? lengthOf(adaptation.learned),
      seconds: Math.round(adaptation.seconds * 10) / 10,
      ...(own ? { scored: await gainOf(nameOfSource(scoredData), own, { base, stored }) } : {}),
      ...(others ? { retained: await gainOf(retain, others, { base, ...(prompt ? {} : { stored }) }) } : {}),
    };
    await writeInto(out, REPORT, `${JSON.stringify(report, null, 2)}\n`);
    await rm(folder, { recursive: true, force: true });
    return report;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    throw new Interrupted(`${written} is learned; interrupted while scoring, go on with the same words and --resume`);
  } finally {
    bar.stop();
  }
}

function refuseOtherAdaptation(out: string): void {
  const found = [REPORT, MODEL, PROMPT, ADAPTERS, CHECKPOINT].find((name) => existsSync(join(out, name)));
  if (found !== undefined)
    throw new InputError(
      `${out} holds an adaptation (${join(out, found)}); go on with it by --resume, or give another folder by --out`,
    );
}

/** The report of an adaptation that is whole. */
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

/** The report for people. */
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
  const facts = `${method}: ${parameters} numbers learned in ${steps} steps, ${seconds} s\n${written}\n`;
  return rows.length > 0 ? `${facts}\n${plainTable(["AP, %", "before", "after"], rows)}\n${note}` : facts;
}

function nameOf({ data }: Gain): string {
  return data === GENERAL_SET ? "other things" : data;
}

function scoreWords({ step, metrics }: { step: number; metrics: Record<string, number> }): string {
  return `step ${step}, AP ${percent(metrics.AP!)} %`;
}

type Scorer = (stored: StoredModel) => Promise<number>;

/** Scores models on the same pictures. Throws InputError at once where the files are missing or malformed. */
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

/** Without `stored`, what the base finds is what is found afterwards, too. */
async function gainOf(
  data: string,
  score: Scorer,
  { base, stored }: { base: StoredModel; stored?: StoredModel },
): Promise<Gain> {
  const before = await score(base);
  return stored ? { data, before, after: await score(stored) } : { data, before, after: before, note: UNCHANGED };
}

/** Writes the vectors of a tuned prompt, the adapters, or the whole model. */
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
