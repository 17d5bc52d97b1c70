/** `groundling pseudo-label`: finds boxes for the phrases of captions. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { writeInto } from "../../files/write-whole.ts";
import type { SizeRule } from "../../inputs/pictures/preparation.ts";
import { workHere } from "../../jobs/here.ts";
import { shardsOfShare, shareOf } from "../../jobs/share.ts";
import { type DeadLetter, missingParts } from "../../jobs/work.ts";
import { withInterruption } from "../../learning/interruption.ts";
import { DEFAULT_THRESHOLD } from "../../tasks/finding/detect-options.ts";
import type { DatasetFigures } from "../../tasks/labelling/figures.ts";
import { type LabelJob, type LabelSettings, openLabelJob } from "../../tasks/labelling/label-job.ts";
import { type Scheduler, schedulers } from "../../tasks/labelling/schedulers.ts";
import { BUILT_IN } from "../../tasks/loading/locate.ts";
import { ProgressBar } from "../progress/progress-bar.ts";
import { addModelOptions, fetchingWithProgress, type ModelChoice } from "./model-choice.ts";
import { share, sizeRule, wholeNumber } from "./numbers.ts";
import { addQuietOption, print, say } from "./writing.ts";

interface Choices extends ModelChoice {
  out: string;
  images?: string;
  threshold: number;
  nms?: number;
  captionNms?: number;
  minSide?: number;
  words?: readonly [number, number];
  language?: string;
  size?: SizeRule;
  rows: number;
  threads?: number;
  attempts: number;
  redis?: string;
  lock: number;
  shardOf?: string;
  emit?: Scheduler;
  tasks: number;
}

/** Milliseconds before the first retry of a failed shard. */
const RETRY_DELAY = 1000;

/** Adds the command to a program. */
export function addPseudoLabelCommand(program: Command): void {
  const command = program
    .command("pseudo-label <source>")
    .description(
      "Make training data: find the phrases of captions in their pictures. SOURCE is a WebDataset tar, a list (.jsonl, .tsv, .parquet), COCO captions (captions_*.json), a folder of these, or a folder of pictures with .txt files.",
    )
    .requiredOption("--out <folder>", "output folder; shards that are already there are skipped")
    .option("--images <folder>", "folder of the pictures in a list (default: the folder of the list)")
    .option("--threshold <score>", "keep only boxes with a score above this", share, DEFAULT_THRESHOLD)
    .option(
      "--nms <overlap>",
      "of two boxes of one phrase with more overlap (IoU) than this, keep the better one (default: 0.6)",
      share,
    )
    .option(
      "--caption-nms <overlap>",
      "of two boxes of any phrases with more overlap (IoU) than this, keep the better one (default: off)",
      share,
    )
    .option("--min-side <pixels>", "refuse pictures whose shorter side is below this", wholeNumber(1, 100_000))
    .option("--words <min,max>", "refuse captions with fewer or more words", wordRange)
    .option("--language <code>", "refuse captions that are clearly not in this language, for example en")
    .option("--size <short,max>", "resize pictures to these sides in pixels (default: the model's own)", sizeRule)
    .option("--rows <number>", "pairs per shard, for sources other than tars", wholeNumber(1, 1_000_000), 1000)
    .option("--threads <number>", "number of threads for the model (default: all cores)", wholeNumber(1, 1024))
    .option("--attempts <number>", "maximum number of attempts per shard", wholeNumber(1, 100), 3)
    .option("--redis <url>", "share the work with other processes that run the same command with this Redis server")
    .option(
      "--lock <seconds>",
      "give a worker's shard to another worker if it is silent for this time",
      wholeNumber(1, 86_400),
      60,
    )
    .addOption(
      new Option(
        "--shard-of <share>",
        "label only a part of the shards: 0/8 for the first eighth; or slurm, kubernetes or mpi to use the task's number",
      ).conflicts("redis"),
    )
    .addOption(
      new Option(
        "--emit <scheduler>",
        "only write a job file for this scheduler that does the work in many tasks",
      ).choices(Object.keys(schedulers)),
    )
    .option("--tasks <number>", "number of tasks in the job file", wholeNumber(1, 100_000), 8);
  addQuietOption(addModelOptions(command)).action(pseudoLabelSource);
}

async function pseudoLabelSource(source: string, choices: Choices): Promise<void> {
  const { out, images, threads, emit, tasks } = choices;
  if (emit !== undefined) {
    const { file, text } = schedulers[emit](process.argv.slice(2), tasks);
    print(`${await writeInto(out, file, text)}\n`);
    return;
  }
  const job = await openLabelJob({
    source,
    out,
    ...(images === undefined ? {} : { images }),
    settings: settingsOf(choices),
    loadModel: async () => {
      const { loadModel } = await import("../../tasks/finding/load-model.ts");
      return fetchingWithProgress(choices, (fetching) =>
        loadModel(choices.model, { ...(threads === undefined ? {} : { threads }), ...fetching }),
      );
    },
  });
  try {
    const dead = await withInterruption((signal) => doWork(job, choices, signal));
    for (const letter of dead) {
      await job.recordFailure(letter);
      say(`groundling: ${failureText(letter)}\n`);
    }
    if (dead.length > 0) process.exitCode = 1;
    const missing = (await missingParts(job)).length;
    if (missing === 0) print(textOfFigures(await job.gather(), choices.threshold));
    else print(`${missing} of ${job.shards.length} shards are not labelled yet; run this again to continue\n`);
  } finally {
    await job.dispose();
  }
}

function wordRange(text: string): [number, number] {
  const [least, most] = text.split(",").map(Number);
  const isRange = Number.isInteger(least) && Number.isInteger(most) && 1 <= least! && least! <= most!;
  if (isRange && text.split(",").length === 2) return [least!, most!];
  throw new InvalidArgumentError("give the minimum and maximum number of words, for example 3,40.");
}

/** Runs the job here or through Redis. */
async function doWork(
  job: LabelJob,
  { redis, lock, shardOf, attempts, quiet }: Choices,
  signal: AbortSignal,
): Promise<DeadLetter[]> {
  const shards = shardOf === undefined ? job.shards : shardsOfShare(job.shards, shareOf(shardOf, process.env));
  const work = { ...job, shards };
  if ((await missingParts(work)).length === 0) return [];
  await job.start();
  const bar = new ProgressBar({ unit: "shards", quiet });
  bar.start(shards.length);
  const options = { attempts, retryDelay: RETRY_DELAY, onDone: (done: number) => bar.update(done), signal };
  try {
    if (redis === undefined) return await workHere(work, options);
    const { workFromRedis: driveFromRedis } = await import("../../jobs/redis.ts");
    const told = new Set<string>();
    const onTrouble = (message: string) => {
      if (!told.has(message)) say(`groundling: ${message}\n`);
      told.add(message);
    };
    return await driveFromRedis(work, {
      ...options,
      url: redis,
      queue: job.name,
      lock: 1000 * lock,
      onError: onTrouble,
    });
  } finally {
    bar.stop();
  }
}

function settingsOf(choices: Choices): LabelSettings {
  const { model = BUILT_IN, threshold, nms, captionNms, minSide, words, language, size, rows } = choices;
  return {
    model,
    threshold,
    ...(nms === undefined ? {} : { nms }),
    ...(captionNms === undefined ? {} : { captionNms }),
    ...(minSide === undefined ? {} : { minSide }),
    ...(words === undefined ? {} : { words }),
    ...(language === undefined ? {} : { language }),
    ...(size === undefined ? {} : { size }),
    rows,
  };
}

export function failureText({ key, reason, attempts }: DeadLetter): string {
  return `shard ${key} failed in ${attempts} attempts: ${reason}`;
}

function textOfFigures(figures: DatasetFigures, threshold: number): string {
  const { shards, pairs, labelled, withBoxes, boxes, phrases, refused, damages } = figures;
  const number = (count: number) => count.toLocaleString("en-US");
  const reasons = Object.entries(refused).map(([reason, count]) => `${number(count)} ${reason}`);
  const rows: [string, string][] = [
    ["shards", number(shards)],
    ["pairs", number(pairs)],
    ["labelled", `${number(labelled)}, ${number(withBoxes)} with boxes`],
    ["refused", reasons.length > 0 ? reasons.join(", ") : "0"],
    ...(damages > 0 ? [["damaged places", number(damages)] satisfies [string, string]] : []),
    [`boxes above ${threshold}`, number(boxes)],
    ["distinct phrases", number(phrases)],
  ];
  return rows.map(([name, value]) => `${name.padEnd(18)} ${value}\n`).join("");
}
