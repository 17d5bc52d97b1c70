/**
 * Time and memory of an index of pictures by its size, with random unit vectors of 512 numbers (those of ViT-B/32).
 * `node --import tsx bench/search.ts build DIR` writes indexes of 1,000, 10,000 and 100,000 vectors into DIR; `… search DIR` measures each
 * in a process of its own.
 */

import { fork } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../src/data/random.ts";
import { toUnit } from "../src/tasks/classifying/unit-vectors.ts";
import { openIndex, openIndexOf } from "../src/tasks/searching/picture-index.ts";

const WIDTH = 512;
const BATCH = 16;
const sizes = [1000, 10_000, 100_000];

const [what, folder = "runs/search", size] = process.argv.slice(2);
if (what === "build") for (const count of sizes) await build(count);
else if (what === "search") for (const count of sizes) await inOwnProcess(count);
else await measure(Number(size));

function place(count: number): string {
  return join(folder, String(count));
}

function randomVector(random: Random): Float32Array {
  return toUnit(Float32Array.from({ length: WIDTH }, () => random.unit() - 0.5));
}

async function build(count: number): Promise<void> {
  const random = new Random(count, "vectors");
  const start = performance.now();
  const index = await openIndexOf(place(count), { name: "random", mark: "random", width: WIDTH });
  for (let first = 0; first < count; first += BATCH)
    await index.add(
      Array.from({ length: Math.min(BATCH, count - first) }, (_, i) => ({
        ...{ path: `/photos/${first + i}.jpg`, bytes: 1, changed: 1, vector: randomVector(random) },
      })),
    );
  index.close();
  const each = (performance.now() - start) / count;
  console.log(`${count} vectors written, ${each.toFixed(2)} ms each in batches of ${BATCH}`);
}

function inOwnProcess(count: number): Promise<void> {
  const child = fork(process.argv[1]!, ["measure", folder, String(count)]);
  return new Promise((done) => child.on("exit", () => done()));
}

async function measure(count: number): Promise<void> {
  const random = new Random(7, "questions");
  // What the machine needs to bring as many bytes into memory.
  const file = join(place(count), "pictures.duckdb");
  const began = performance.now();
  readFileSync(file);
  const reading = performance.now() - began;
  const before = process.memoryUsage().rss;
  const start = performance.now();
  const index = await openIndex(place(count));
  await index.nearest(randomVector(random), 20);
  const first = performance.now() - start;
  const times: number[] = [];
  for (let i = 0; i < 21; i++) {
    const asked = performance.now();
    await index.nearest(randomVector(random), 20);
    times.push(performance.now() - asked);
  }
  const memory = (process.memoryUsage().rss - before) / 2 ** 20;
  index.close();
  const megabytes = statSync(file).size / 2 ** 20;
  console.log(
    `${count} vectors: ${megabytes.toFixed(0)} MB on disk, read in ${reading.toFixed(0)} ms; open and first search ${first.toFixed(0)} ms; ` +
      `later searches ${times.sort((a, b) => a - b)[10]!.toFixed(0)} ms; ${memory.toFixed(0)} MB of memory`,
  );
}
