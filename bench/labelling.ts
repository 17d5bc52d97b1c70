/**
 * Times pseudo-labelling against pure detection of one prompt on the same pictures, in turns, and prints the ratio of pictures a second:
 * 1 where noun phrases, texts, reading and writing cost nothing.
 *
 *   node --import tsx bench/labelling.ts [MODEL]      PICTURES, SIDE, TURNS, THREADS are read from the environment (24, 256, 5, all cores)
 *
 * MODEL is what `--model` takes.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { openLabelJob } from "../src/apps/labelling/label-job.ts";
import { composeScene, loadWorld } from "../src/data/scenes/index.ts";
import { driveHere } from "../src/engine/jobs/here.ts";
import { loadModel } from "../src/tasks/grounding/load-model.ts";

const pictures = Number(process.env.PICTURES ?? 24);
const side = Number(process.env.SIDE ?? 256);
const turns = Number(process.env.TURNS ?? 5);
const threads = process.env.THREADS ? { threads: Number(process.env.THREADS) } : {};
const name = process.argv[2];
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
  const seconds: Record<"detection" | "labelling", number[]> = { detection: [], labelling: [] };
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
    seconds.detection.push(detection);
    seconds.labelling.push(labelling);
  }
  await model.dispose();
  const [detection, labelling] = [median(seconds.detection), median(seconds.labelling)];
  const rate = (time: number) => `${(pictures / time).toFixed(2)} pictures/s`;
  console.log(`${pictures} pictures of ${side} × ${side}, model ${name ?? "built in"}, medians of ${turns} turns`);
  console.log(
    `  detection ${rate(detection)}, labelling ${rate(labelling)}, ratio ${(detection / labelling).toFixed(2)}`,
  );
} finally {
  rmSync(folder, { recursive: true });
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
}
