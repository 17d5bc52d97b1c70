/**
 * Times pseudo-labelling against detection with one prompt on the same pictures, alternately, and prints the ratio of pictures per second:
 * 1 if noun phrases, texts, reading and writing cost nothing. Then several workers with one thread each, one per core, share the work. The
 * benchmark also prints how busy all cores were, including other programs; nothing else should run.
 *
 *     node --import tsx bench/labelling.ts [MODEL]      environment: PICTURES, SIDE, TURNS, THREADS (default 96, 256, 5, all cores)
 *
 * MODEL is a value of `--model`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { composeScene, loadWorld } from "../src/data/scenes/index.ts";
import { workHere } from "../src/jobs/here.ts";
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
  // The job disposes its model; this one is still needed.
  const lent = Object.assign(Object.create(model), { dispose: async () => {} });
  let turn = 0;
  const label = async () => {
    const settings = { model: "bench", threshold: 0.5, rows: pictures };
    const job = await openLabelJob({ source, out: join(folder, `${turn++}`), settings, loadModel: async () => lent });
    await job.start();
    return async () => {
      await workHere(job, { attempts: 1, retryDelay: 0 });
      return job;
    };
  };
  const found: Record<"detection" | "labelling", Timed[]> = { detection: [], labelling: [] };
  // The first round creates the sessions of both.
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

/** Runs the command once per core, each time with one thread and a share of the work. */
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
  /** Fraction of the time of all cores that was not idle. */
  busy: number;
}

async function timed(work: () => Promise<void>): Promise<Timed> {
  const [start, idle] = [performance.now(), idleTime()];
  await work();
  const milliseconds = performance.now() - start;
  return { seconds: milliseconds / 1000, busy: 1 - (idleTime() - idle) / (milliseconds * cpus().length) };
}

/** Idle time of all cores in milliseconds. */
function idleTime(): number {
  return cpus().reduce((sum, { times }) => sum + times.idle, 0);
}

function median(times: readonly Timed[]): Timed {
  return times.toSorted((a, b) => a.seconds - b.seconds)[times.length >> 1]!;
}
