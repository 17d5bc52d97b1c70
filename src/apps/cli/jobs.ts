/** `groundling jobs`: shows the progress of a labelling job. */

import { setTimeout as pause } from "node:timers/promises";
import { type Command, Option } from "commander";
import { type QueueCounts, queueCounts } from "../../jobs/redis.ts";
import { type JobStatus, readJobStatus } from "../../tasks/labelling/label-job.ts";
import { wholeNumber } from "./numbers.ts";
import { failureText } from "./pseudo-label.ts";
import { print } from "./writing.ts";

type Status = JobStatus & { queue?: QueueCounts };

const formats = {
  table: tableOf,
  json: (status: Status) => `${JSON.stringify(status, undefined, 2)}\n`,
  prometheus: metricsOf,
} as const;

interface Choices {
  redis?: string;
  format: keyof typeof formats;
  watch?: number;
}

/** Adds the command to a program. */
export function addJobsCommand(program: Command): void {
  program
    .command("jobs <folder>")
    .description(
      "Show a labelling job's progress and its failed shards. FOLDER is the output folder of groundling pseudo-label.",
    )
    .option("--redis <url>", "also show the queue on this Redis server")
    .addOption(new Option("--format <name>", "output format").choices(Object.keys(formats)).default("table"))
    .option("--watch <seconds>", "repeat at this interval until all shards are done or failed", wholeNumber(1, 3600))
    .action(async (folder: string, choices: Choices) => {
      for (;;) {
        const status = await statusOf(folder, choices.redis);
        print(formats[choices.format](status));
        if (choices.watch === undefined || status.done + status.deadLetters.length >= status.shards) break;
        await pause(1000 * choices.watch);
        // Clears the screen.
        if (process.stdout.isTTY) process.stdout.write("\x1b[2J\x1b[H");
      }
    });
}

async function statusOf(folder: string, redis: string | undefined): Promise<Status> {
  const status = await readJobStatus(folder);
  if (redis === undefined) return status;
  return { ...status, queue: await queueCounts({ url: redis, queue: status.name }) };
}

function tableOf(status: Status): string {
  const { name, shards, done, pairs, boxes, deadLetters, queue } = status;
  const rows: [string, number | string][] = [
    ["job", name],
    ["shards done", `${done} of ${shards}`],
    ["pairs", pairs],
    ["boxes", boxes],
    ["failed shards", deadLetters.length],
    ...(queue ? Object.entries(queue).map(([key, value]): [string, number] => [`queue: ${key}`, value]) : []),
  ];
  return [
    ...rows.map(([key, value]) => `${key.padEnd(16)} ${value}\n`),
    ...deadLetters.map((letter) => `${failureText(letter)}\n`),
  ].join("");
}

/** The status in Prometheus's text format. */
function metricsOf({ name, shards, done, pairs, boxes, deadLetters, queue }: Status): string {
  const metric = (metricName: string, help: string, values: Record<string, number>) => [
    `# HELP groundling_${metricName} ${help}`,
    `# TYPE groundling_${metricName} gauge`,
    ...Object.entries(values).map(([label, value]) => {
      const state = label === "" ? "" : `,state="${label}"`;
      return `groundling_${metricName}{job="${name}"${state}} ${value}`;
    }),
  ];
  const lines = [
    ...metric("shards", "Shards of the job.", { "": shards }),
    ...metric("shards_done", "Shards that are done.", { "": done }),
    ...metric("shards_given_up", "Shards that failed in every attempt.", { "": deadLetters.length }),
    ...metric("pairs", "Pairs in the shards that are done.", { "": pairs }),
    ...metric("boxes", "Boxes in the shards that are done.", { "": boxes }),
  ];
  if (queue) {
    const { workers, ...states } = queue;
    lines.push(
      ...metric("queue_shards", "Shards in the queue.", states),
      ...metric("workers", "Processes that work on the queue.", { "": workers }),
    );
  }
  return lines.map((line) => `${line}\n`).join("");
}
