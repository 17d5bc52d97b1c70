/**
 * Times pseudo-labelling against pure detection of one prompt on the same pictures, in turns, and prints the ratio of pictures a second:
 * 1 where noun phrases, texts, reading and writing cost nothing. Then as many workers of one thread as there are cores share the work. Beside each
 * stands what share of all cores was busy, whoever made it so: nothing else should run.
 *
 *   node --import tsx bench/labelling.ts [MODEL]      PICTURES, SIDE, TURNS, THREADS are read from the environment (96, 256, 5, all cores)
 *
 * MODEL is what `--model` takes.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { composeScene, loadWorld } from "../src/data/scenes/index.ts";
import { driveHere } from "../src/jobs/here.ts";
import { loadModel } from "../src/tasks/finding/load-model.ts";
import { openLabelJob } from "../src/tasks/labelling/label-job.ts";

const pictures = Number(process.env.PICTURES ?? 96);
const side = Number(process.env.SIDE ?? 256);
const turns = Number(process.env.TURNS ?? 5);
const threads = process.env.THREADS ? { threads: Number(process.env.THREADS) } : {};
const name = process.argv[2];
const cores = availableParallelism();
const before = loadavg()[0]!;
const folder = mkdtempSync(join(tmpdir(), "bench-labelling-"));

try {
  const source = join(folder, "source");
  mkdirSync(source);
  const world = loadWorld(join(folder, "sprites"), { names: "everyday" });
  for (let i = 0; i < pictures; i++) {
    const { picture, caption } = composeScene(world, i, { width: side, height: side });
    const raw = { width: side, height: side, channels: 3 } as const;
    await sharp(picture.data, { raw })
      .jpeg()
      .toFile(join(source, `${i}.jpg`));
    writeFileSync(join(source, `${i}.txt`), caption);
  }
  const model = await loadModel(name, threads);
  const paths = readdirSync(source)
    .filter((file) => file.endsWith(".jpg"))
    .map((file) => join(source, file));
  const detect = async () => {
    for (const path of paths) await model.detect(path, ["apple", "chair", "dog", "truck"], { threshold: 0.5 });
  };
  // The job disposes of its model; this one lives on.
  const lent = Object.assign(Object.create(model), { dispose: async () => {} });
  let turn = 0;
  const label = async () => {
    const settings = { model: "bench", threshold: 0.5, rows: pictures };
    const job = await openLabelJob({ source, out: join(folder, `${turn++}`), settings, loadModel: async () => lent });
    await job.start();
    return async () => {
      await driveHere(job, { attempts: 1, patience: 0 });
      return job;
    };
  };
  const found: Record<"detection" | "labelling", Timed[]> = { detection: [], labelling: [] };
  // The first turn prepares sessions for both.
  for (let i = 0; i <= turns; i++) {
    const detection = await timed(detect);
    const work = await label();
    let dispose = async () => {};
    const labelling = await timed(async () => {
      const job = await work();
      dispose = job.dispose;
    });
    await dispose();
    if (i === 0) continue;
    found.detection.push(detection);
    found.labelling.push(labelling);
  }
  await model.dispose();
  const workers: Timed[] = [];
  for (let i = 0; i < turns; i++) workers.push(await timed(() => labelByWorkers(join(folder, `workers-${i}`), source)));
  console.log(`${pictures} pictures of ${side} × ${side}, model ${name ?? "built in"}, medians of ${turns} turns`);
  const detection = median(found.detection);
  for (const [what, times] of Object.entries({ ...found, [`${cores} workers, with their start`]: workers })) {
    const { seconds, busy } = median(times);
    const rate = (pictures / seconds).toFixed(2);
    const ratio = (detection.seconds / seconds).toFixed(2);
    console.log(
      `  ${what.padEnd(28)} ${rate} pictures/s, ${ratio} of detection, ${Math.round(100 * busy)} % of the cores busy`,
    );
  }
  console.log(`load before ${before.toFixed(2)}`);
} finally {
  rmSync(folder, { recursive: true });
}

/** The command itself, once a core, each with one thread and its share. */
async function labelByWorkers(out: string, source: string): Promise<void> {
  const ended = Array.from({ length: cores }, async (_, i) => {
    const rows = String(Math.ceil(pictures / (4 * cores)));
    const share = ["--shard-of", `${i}/${cores}`, "--threads", "1", "--rows", rows];
    const model = name ? ["--model", name] : [];
    const words = ["pseudo-label", source, "--out", out, ...share, ...model];
    const child = spawn(process.execPath, ["--import", "tsx", "src/apps/cli/main.ts", ...words], { stdio: "ignore" });
    const [code] = await once(child, "close");
    if (code !== 0) throw new Error(`a worker ended with ${code}`);
  });
  await Promise.all(ended);
}

interface Timed {
  seconds: number;
  /** Share of all cores' time that was not idle. */
  busy: number;
}

async function timed(work: () => Promise<void>): Promise<Timed> {
  const [start, idle] = [performance.now(), idleTime()];
  await work();
  const milliseconds = performance.now() - start;
  return { seconds: milliseconds / 1000, busy: 1 - (idleTime() - idle) / (milliseconds * cpus().length) };
}

/** Milliseconds that all cores have been idle. */
function idleTime(): number {
  return cpus().reduce((sum, { times }) => sum + times.idle, 0);
}

function median(times: readonly Timed[]): Timed {
  return times.toSorted((a, b) => a.seconds - b.seconds)[times.length >> 1]!;
}
