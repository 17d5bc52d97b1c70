/** A labelling job: a source, a folder for the result, and which shards are finished or missing. */

import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { duckdb } from "../../data/duckdb.ts";
import { DRAFTS, readStatistics, shardFile, writeLabelledShard } from "../../data/pairs/labelled.ts";
import { type Refusal, TWIN } from "../../data/pairs/pair.ts";
import { cutSource, readShard, type Shard } from "../../data/pairs/shards.ts";
import { parseJson } from "../../data/readers/json.ts";
import { InputError } from "../../errors.ts";
import { readTextIfThere } from "../../files/read-file.ts";
import { writeWhole } from "../../files/write-whole.ts";
import { writing } from "../../files/writing.ts";
import type { SizeRule } from "../../inputs/pictures/preparation.ts";
import type { DeadLetter, Work } from "../../jobs/work.ts";
import type { GroundingModel } from "../finding/grounding-model.ts";
import { openPicturePreparer, type PicturePreparer } from "../finding/picture-preparer.ts";
import { type CaptionLimits, captionFilters } from "./caption-filters.ts";
import { type DatasetFigures, datasetFigures, duplicatesOf } from "./figures.ts";
import { type LabelOptions, pseudoLabel } from "./pseudo-label.ts";

/** Settings that determine the bytes of the result. */
export interface LabelSettings extends Omit<LabelOptions, "filters">, CaptionLimits {
  /** Name of the model, as the user gave it. */
  model: string;
  size?: SizeRule;
  /** Pairs per shard, for sources that are not tars. */
  rows: number;
}

export interface JobOptions {
  source: string;
  images?: string;
  /** Folder of the result. */
  out: string;
  settings: LabelSettings;
  loadModel: () => Promise<GroundingModel>;
}

export interface LabelJob extends Work<Shard> {
  /** The same for the same shards and settings, wherever the source is stored. */
  readonly name: string;
  /** Loads the model and what writes its answers. An error here does not count as a shard's failure. */
  start(): Promise<void>;
  /** Records in the folder that a shard was given up. */
  recordFailure(letter: DeadLetter): Promise<void>;
  /** Joins the results of all shards: `grounding.jsonl`, `problems.jsonl`, `statistics.json`. */
  gather(): Promise<DatasetFigures>;
  dispose(): Promise<void>;
}

/** Splits the source into shards and writes the settings into the folder. @throws InputError if the folder was labelled with other settings. */
export async function openLabelJob({ source, images, out, settings, loadModel }: JobOptions): Promise<LabelJob> {
  const cut = await cutSource(source, { rows: settings.rows, ...(images === undefined ? {} : { images }) });
  const { shards } = cut;
  const filters = await captionFilters(settings);
  await storeJob(out, { settings, shards });
  let ready: Promise<{ model: GroundingModel; preparer: PicturePreparer }> | undefined;
  const start = async () => {
    const model = await loadModel();
    return { model, preparer: openPicturePreparer(model.preparations(settings.size)) };
  };
  const loaded = () => {
    ready ??= start();
    return ready;
  };
  return {
    shards,
    name: nameOf({ settings, shards }),
    start: async () => {
      // Writes the shards' tables; without it all attempts would fail after the model has done its work.
      await duckdb();
      await loaded();
    },
    isDone: async (shard) => (await readStatistics(out, shard)) !== undefined,
    run: async (shard) => {
      const answers = pseudoLabel(await loaded(), readShard(shard, cut), { ...settings, filters });
      await writing(out, () => writeLabelledShard(out, shard, answers));
      await rm(letterFile(out, shard), { force: true });
    },
    recordFailure: (letter) => writeWhole(letterFile(out, letter), `${JSON.stringify(letter)}\n`),
    gather: () => writing(out, () => gather(out, shards, settings)),
    dispose: async () => {
      if (!ready) return;
      const { model, preparer } = await ready;
      await Promise.all([model.dispose(), preparer.close()]);
    },
  };
}

/** The job that a folder belongs to, and its progress. */
export interface JobStatus {
  /** Name of the job's queue. */
  readonly name: string;
  readonly shards: number;
  readonly done: number;
  /** Statistics of the finished shards. */
  readonly pairs: number;
  readonly boxes: number;
  readonly deadLetters: readonly DeadLetter[];
}

/** @throws InputError if the folder is not the result of a labelling job. */
export async function readJobStatus(out: string): Promise<JobStatus> {
  const job = storedJob(out);
  if (!job) throw new InputError(`${out} holds no ${JOB}; give the folder that groundling pseudo-label writes into`);
  const found = await Promise.all(job.shards.map((shard) => readStatistics(out, shard)));
  const missing = job.shards.filter((_, place) => !found[place]);
  const letters = missing.flatMap((shard) => readRecord(letterFile(out, shard), letterSchema) ?? []);
  const sum = (of: "pairs" | "boxes") => found.reduce((total, part) => total + (part?.[of] ?? 0), 0);
  return {
    name: nameOf(job),
    shards: job.shards.length,
    done: job.shards.length - missing.length,
    pairs: sum("pairs"),
    boxes: sum("boxes"),
    deadLetters: letters,
  };
}

interface StoredJob {
  settings: LabelSettings;
  shards: readonly Shard[];
}

const JOB = "job.json";
const keySchema = z.string().refine((key) => !key.split("/").includes(".."), "leads out of the folder");
const jobSchema = z.object({ settings: z.looseObject({}), shards: z.array(z.looseObject({ key: keySchema })) });
const letterSchema = z.object({ key: z.string(), reason: z.string(), attempts: z.number() });

/** The job of a folder; undefined if there is none. @throws InputError if the file is damaged. */
function storedJob(out: string): StoredJob | undefined {
  return readRecord(join(out, JOB), jobSchema) as StoredJob | undefined;
}

function readRecord<Value>(file: string, schema: z.ZodType<Value>): Value | undefined {
  const text = readTextIfThere(file);
  if (text === undefined) return undefined;
  const record = parseJson(text, file);
  const checked = schema.safeParse(record);
  // As written: the order of its members is part of a job's name.
  if (checked.success) return record as Value;
  throw new InputError(`${file}: ${z.prettifyError(checked.error)}`);
}

function nameOf({ settings, shards }: StoredJob): string {
  const digest = createHash("sha256").update(JSON.stringify({ settings, shards })).digest("hex");
  return `pseudo-label-${digest.slice(0, 12)}`;
}

function letterFile(out: string, { key }: { key: string }): string {
  return join(out, "shards", `${key}.dead.json`);
}

async function gather(out: string, shards: readonly Shard[], settings: LabelSettings): Promise<DatasetFigures> {
  const duplicates = await duplicatesOf(out, shards);
  for (const kind of ["grounding", "problems"] as const)
    await writeWhole(join(out, `${kind}.jsonl`), async (whole) => {
      for (const [place, shard] of shards.entries()) {
        const read = (file: "grounding" | "problems") => readFile(shardFile(out, shard, file));
        const twins = duplicates.get(place);
        const bytes = twins ? await withoutTwins(kind, read, twins) : await read(kind);
        await whole.appendFile(bytes);
      }
    });
  const figures = await datasetFigures(out, { shards, duplicates, threshold: settings.threshold });
  const text = `${JSON.stringify({ settings, ...figures }, undefined, 2)}\n`;
  await writeWhole(join(out, "statistics.json"), text);
  await rm(join(out, DRAFTS), { recursive: true, force: true });
  return figures;
}

/** A shard's lines in the whole result: duplicates of pairs in earlier shards become problems. */
async function withoutTwins(
  kind: "grounding" | "problems",
  read: (file: "grounding" | "problems") => Promise<Buffer>,
  twins: ReadonlySet<number>,
): Promise<string> {
  const lines = (await read("grounding")).toString("utf8").split("\n").slice(0, -1);
  if (kind === "grounding") return linesOf(lines.filter((_, row) => !twins.has(row)));
  const told = lines
    .filter((_, row) => twins.has(row))
    .map((line) => {
      const refusal: Refusal = { reason: "duplicate", file: JSON.parse(line).filename, detail: TWIN, pairs: 1 };
      return JSON.stringify(refusal);
    });
  return (await read("problems")).toString("utf8") + linesOf(told);
}

function linesOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

async function storeJob(out: string, job: StoredJob): Promise<void> {
  const settings = JSON.stringify(job.settings);
  const before = JSON.stringify(storedJob(out)?.settings ?? job.settings);
  if (before !== settings)
    throw new InputError(
      `${out} was labelled with ${before}, not ${settings}; use another folder or the same settings`,
    );
  await writeWhole(join(out, JOB), `${JSON.stringify(job)}\n`);
}
