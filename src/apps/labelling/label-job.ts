/** A source that is labelled into a folder: what was asked, what is there, what is missing. */

import { randomUUID } from "node:crypto";
import { appendFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readStatistics, shardFile, writeLabelledShard } from "../../data/pairs/labelled.ts";
import { cutSource, readShard, type Shard } from "../../data/pairs/shards.ts";
import type { Work } from "../../engine/jobs/work.ts";
import { writing } from "../../engine/writing.ts";
import { InputError } from "../../errors.ts";
import type { SizeRule } from "../../inputs/prepare-image.ts";
import type { GroundingModel } from "../../tasks/grounding/grounding-model.ts";
import { PicturePreparer } from "../../tasks/grounding/picture-preparer.ts";
import { type LabelOptions, pseudoLabel } from "../../tasks/grounding/pseudo-label.ts";
import { type DatasetFigures, datasetFigures } from "./figures.ts";

/** What decides the bytes of the result. */
export interface LabelSettings extends Omit<LabelOptions, "filters"> {
  /** As it was named. */
  model: string;
  size?: SizeRule;
  /** Pairs of a shard, where tars do not say it. */
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
  /** Joins the results of all shards: `grounding.jsonl`, `problems.jsonl`, `statistics.json`. */
  gather(): Promise<DatasetFigures>;
  dispose(): Promise<void>;
}

/** Cuts the source and notes in the folder what is asked for. @throws InputError where the folder holds the result of other settings. */
export async function openLabelJob({ source, images, out, settings, loadModel }: JobOptions): Promise<LabelJob> {
  const cut = await cutSource(source, { rows: settings.rows, ...(images === undefined ? {} : { images }) });
  await noteJob(out, { source, settings, shards: cut.shards });
  let ready: Promise<{ model: GroundingModel; preparer: PicturePreparer }> | undefined;
  const start = async () => {
    const model = await loadModel();
    return { model, preparer: new PicturePreparer(settings.size ?? model.size) };
  };
  return {
    shards: cut.shards,
    isDone: async (shard) => (await readStatistics(out, shard)) !== undefined,
    run: async (shard) => {
      ready ??= start();
      const answers = pseudoLabel(await ready, readShard(shard, cut), settings);
      await writing(out, () => writeLabelledShard(out, shard, answers));
    },
    gather: () => writing(out, () => gather(out, cut.shards, settings)),
    dispose: async () => {
      if (!ready) return;
      const { model, preparer } = await ready;
      await Promise.all([model.dispose(), preparer.dispose()]);
    },
  };
}

async function gather(out: string, shards: readonly Shard[], settings: LabelSettings): Promise<DatasetFigures> {
  for (const kind of ["grounding", "problems"] as const)
    await replaced(join(out, `${kind}.jsonl`), async (draft) => {
      await writeFile(draft, "");
      for (const shard of shards) await appendFile(draft, await readFile(shardFile(out, shard, kind)));
    });
  const figures = await datasetFigures(out, shards, settings.threshold);
  const text = `${JSON.stringify({ settings, ...figures }, undefined, 2)}\n`;
  await replaced(join(out, "statistics.json"), (draft) => writeFile(draft, text));
  return figures;
}

async function noteJob(out: string, job: { source: string; settings: LabelSettings; shards: readonly Shard[] }) {
  const file = join(out, "job.json");
  const known = await readFile(file, "utf8").catch(() => undefined);
  const settings = JSON.stringify(job.settings);
  if (known !== undefined) {
    const before = JSON.stringify((JSON.parse(known) as typeof job).settings);
    if (before !== settings)
      throw new InputError(
        `${out} was labelled with ${before}, not ${settings}; choose another folder, or the same settings`,
      );
  }
  await writing(file, async () => {
    await mkdir(out, { recursive: true });
    await replaced(file, (draft) => writeFile(draft, `${JSON.stringify(job)}\n`));
  });
}

/** Writes a file under a name of its own first; others may be writing it as well. */
async function replaced(file: string, write: (draft: string) => Promise<void>): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  try {
    await write(draft);
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}
