/** An adaptation with its scores before and after, written to a folder. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeInto } from "../../files/write-whole.ts";
import { writing } from "../../files/writing.ts";
import type { SizeRule } from "../../inputs/pictures/prepare-image.ts";
import type { TrainingListener } from "../../learning/training-listener.ts";
import { writeAdaptedPrompt } from "../../tasks/finding/adapted-prompt.ts";
import { writeAdapters } from "../../tasks/finding/adapters.ts";
import { type StoredModel, writeModelFolder } from "../../tasks/finding/model-folder.ts";
import { percent, plainTable } from "../detections/plain-table.ts";
import { datasetEvaluation } from "../training/dataset-evaluation.ts";
import { type Adaptation, type AdaptationRequest, adaptModel } from "./adapt-model.ts";
import { refuseOtherClasses, splitsOf } from "./adapted-data.ts";
import type { Method } from "./methods.ts";

export interface AdaptationRun extends Omit<AdaptationRequest, "train" | "valid" | "replay"> {
  /** Annotations, or a folder with splits. */
  data: string;
  images?: string;
  /** Annotations to learn beside. */
  replay?: string;
  /** Annotations of other things, scored before and after; `GENERAL_SET` unless told, nothing where "none". */
  retain?: string;
  /** Folder that is written. */
  out: string;
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

/** Scores, adapts, scores again and writes `out/model`, `out/prompt.safetensors` or `out/adapters.safetensors`, and `out/adaptation.json`. Errors as `adaptModel`. */
export async function runAdaptation(base: StoredModel, run: AdaptationRun): Promise<AdaptationReport> {
  const { data, images, replay, retain = GENERAL_SET, out, ...request } = run;
  const splits = splitsOf(data);
  const { train, valid, test } = splits;
  refuseOtherClasses(splits);
  const files = (path: string) => ({ data: path, ...(images === undefined ? {} : { images }) });
  await writing(out, () => mkdir(out, { recursive: true }));
  const size = run.size ?? base.size;
  const scoredData = test ?? valid;
  const captions = run.captions ? { captions: run.captions } : {};
  // Made first, so that what is wrong with their files is told before anything is trained.
  const own = scoredData && (await scorer(base, { ...files(scoredData), ...captions }, size));
  const others = retain === "none" ? undefined : await scorer(base, { data: retain }, size);
  const began = performance.now();
  const adaptation = await adaptModel(base, {
    ...request,
    train: files(train),
    ...(valid ? { valid: files(valid) } : {}),
    ...(replay ? { replay: { data: replay } } : {}),
    listeners: [told],
  });
  const seconds = (performance.now() - began) / 1000;
  const written = await write(adaptation, { method: run.method, base, out });
  const { stored, prompt } = adaptation;
  const report: AdaptationReport = {
    written,
    method: run.method,
    shots: run.shots ?? "all",
    seed: run.seed ?? 10,
    classes: adaptation.names,
    steps: adaptation.steps,
    parameters: prompt?.vectors.length ?? lengthOf(adaptation.learned),
    seconds: Math.round(seconds * 10) / 10,
    ...(own ? { scored: await gainOf(scoredData, own, { base, stored }) } : {}),
    ...(others ? { retained: await gainOf(retain, others, { base, ...(prompt ? {} : { stored }) }) } : {}),
  };
  await writeInto(out, "adaptation.json", `${JSON.stringify(report, null, 2)}\n`);
  return report;
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

const told: TrainingListener = {
  stepped: ({ step, loss }) => {
    if (step % 10 === 0) process.stderr.write(`step ${step}, loss ${loss.toFixed(3)}\n`);
  },
  evaluated: ({ step, metrics }) => {
    process.stderr.write(`step ${step}, AP ${percent(metrics.AP!)} %\n`);
  },
};

type Scorer = (stored: StoredModel) => Promise<number>;

/** Scores models on the same pictures. Throws InputError at once where the files are missing or malformed. */
async function scorer(
  base: StoredModel,
  files: Parameters<typeof datasetEvaluation>[2],
  { short, max }: SizeRule,
): Promise<Scorer> {
  const every = { evaluateEvery: 1, evaluatePictures: Number.POSITIVE_INFINITY };
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
    const file = join(out, "prompt.safetensors");
    await writeAdaptedPrompt(file, prompt);
    return file;
  }
  if (method === "adapters") {
    const file = join(out, "adapters.safetensors");
    await writeAdapters(file, learned, { base, classes: names });
    return file;
  }
  const folder = join(out, "model");
  const { model, weights, vocabulary, size } = stored;
  await writeModelFolder(folder, {
    ...{ type: base.type, config: base.model.config, vocabulary, size },
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
