/**
 * Times GLIP-T at 480 x 640 against a GLIP in PyTorch, alternately, and prints medians and ratios, and then which modules take our time.
 * One of our runs is a complete `detect`: a new picture as pixels, a new prompt, features, words, head and selection. A run of the PyTorch
 * model is its forward pass and selection, on a tensor and token ids. `scripts/compare-cases.ts` checks that both give the same numbers.
 *
 *     PEER=FOLDER node --import tsx bench/glip.ts      environment: PYTHON, THREADS (default 2), RUNS (default 3)
 *
 * PEER contains glip_torch.py and cases.py of the second implementation. Its times: with torchvision's deformable convolution and the text
 * padded to 256 tokens, as PyTorch users run it, and with the fastest deformable convolution that was found and the text trimmed.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Random } from "../src/data/random.ts";
import type { GroundingModel } from "../src/tasks/finding/grounding-model.ts";
import { loadModel } from "../src/tasks/finding/load-model.ts";
import { matmulRate, modulesOf } from "./glip-modules.ts";

const threads = Number(process.env["THREADS"] ?? 2);
const runs = Number(process.env["RUNS"] ?? 3);
const folder = process.env["PEER"];
if (!folder) throw new Error("set PEER to the folder of glip_torch.py and cases.py");
const temporary = mkdtempSync(join(tmpdir(), "groundling-bench-"));
const checkpoint = process.env["MODEL"] ?? join(temporary, "glip-t.pth");
const size = { short: 480, max: 640 };
const random = new Random(1, "bench");
const vocabulary = readFileSync(new URL("../assets/bert-base-uncased/vocab.txt", import.meta.url), "utf8").split("\n");
const words = vocabulary.filter((word, row) => row > 1999 && /^[a-z]{4,}$/.test(word));

/** Names with one token per word; none is used twice in a run of the benchmark while there are enough. */
let next = 0;
const word = () => words[next++ % words.length]!;
const names = (count: number, wordsOf = (_: number) => 1) =>
  Array.from({ length: count }, (_, i) => Array.from({ length: wordsOf(i) }, word).join(" "));
const picture = () => {
  const data = Uint8Array.from({ length: 480 * 640 * 3 }, () => random.unit() * 256);
  return { data, width: 640, height: 480, channels: 3 as const };
};

const python = spawn(process.env["PYTHON"] ?? "/usr/bin/python3", [
  fileURLToPath(new URL("peers/glip.py", import.meta.url)),
  folder,
  checkpoint,
]);
python.stderr.pipe(process.stderr);
const answers = createInterface({ input: python.stdout })[Symbol.asyncIterator]();
const answer = async () => {
  const { value, done } = await answers.next();
  if (done) throw new Error("the peer ended");
  return JSON.parse(value) as { seconds: number };
};
async function peer(deform: "torchvision" | "rows", tokens: number, itsThreads = threads): Promise<number> {
  python.stdin.write(`${deform} ${tokens} ${itsThreads}\n`);
  return (await answer()).seconds;
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

const ours = (model: GroundingModel, image: ReturnType<typeof picture>, count: number) => () =>
  model.detect(image, names(count), { size, threshold: 0 });
/** 16 words are 16 + 15 separators + 2 special tokens; 127 are 255, 128 would be 257. */
const [SHORT, LONG] = [33, 256];

await answer();
const model = await loadModel(checkpoint, { threads });
const kept: { picture: ReturnType<typeof picture> } = { picture: picture() };
const onNew = (count: number) => {
  kept.picture = picture();
  return seconds(ours(model, kept.picture, count));
};
const onSame = (count: number) => seconds(ours(model, kept.picture, count));
const turns = {
  "ours, 16 words": () => onNew(16),
  "ours, 16 words, second prompt": () => onSame(16),
  "rows, 33 tokens": () => peer("rows", SHORT),
  "ours, 255 tokens": () => onNew(127),
  "ours, 255 tokens, second prompt": () => onSame(127),
  "rows, 256 tokens": () => peer("rows", LONG),
  "torchvision, 256 tokens": () => peer("torchvision", LONG),
} satisfies Record<string, () => Promise<number>>;
type Turn = keyof typeof turns;
const times = new Map<Turn, number[]>();
for (let turn = -1; turn < runs; turn++)
  for (const [name, run] of Object.entries(turns) as [Turn, () => Promise<number>][]) {
    const time = await run();
    if (turn >= 0) times.set(name, [...(times.get(name) ?? []), time]);
  }
const median = (name: Turn) => times.get(name)!.toSorted((a, b) => a - b)[runs >> 1]!;
console.log(`GLIP-T, 480 x 640, ${threads} threads, medians of ${runs} turns`);
for (const name of times.keys())
  console.log(
    `  ${name.padEnd(34)} ${median(name).toFixed(2)} s   (${times
      .get(name)!
      .map((t) => t.toFixed(2))
      .join(" ")})`,
  );
const one = { torchvision: await peer("torchvision", LONG, 1), rows: await peer("rows", SHORT, 1) };
console.log(`  with one thread, once: torchvision ${one.torchvision.toFixed(2)} s, rows ${one.rows.toFixed(2)} s`);
python.stdin.end();

// 1, 2, 2, 3 and 3 words in turn: as many tokens as the names of LVIS have.
const lvis = await seconds(() =>
  model.detect(
    kept.picture,
    names(1203, (i) => [1, 2, 2, 3, 3][i % 5]!),
    { size, threshold: 0 },
  ),
);
const ratio = (a: number, b: number) => (a / b).toFixed(2);
const best = {
  torchvision: median("torchvision, 256 tokens"),
  short: median("rows, 33 tokens"),
  long: median("rows, 256 tokens"),
};
console.log(`times faster than torchvision, padded to 256: ${ratio(best.torchvision, median("ours, 16 words"))} (16 words), ${ratio(best.torchvision, median("ours, 255 tokens"))} (255 tokens)
times faster than rows, trimmed: ${ratio(best.short, median("ours, 16 words"))} (16 words), ${ratio(best.long, median("ours, 255 tokens"))} (255 tokens)
second prompt / first: ${ratio(median("ours, 16 words, second prompt"), median("ours, 16 words"))} (16 words), ${ratio(median("ours, 255 tokens, second prompt"), median("ours, 255 tokens"))} (255 tokens)
1,203 classes: ${lvis.toFixed(1)} s, ${ratio(lvis, median("ours, 255 tokens"))} times a prompt of 255 tokens, ${ratio(lvis, median("ours, 16 words"))} times one of 16 words`);
await model.dispose();

const rate = await matmulRate(threads);
console.log(`\nWhere the time goes; large products run at ${rate.toFixed(0)} GFLOP/s here`);
for (const count of [16, 127]) {
  const profile = join(temporary, `profile-${count}-`);
  const profiled = await loadModel(checkpoint, { threads, profile });
  await profiled.detect(picture(), names(count), { size, threshold: 0 });
  await profiled.detect(picture(), names(count), { size, threshold: 0 });
  const outputs = profiled.predictor.outputs(480, 640, 2 * count + 1);
  await profiled.dispose();
  const modules = modulesOf(profile, outputs, 2);
  console.log(`  ${count} words        ms    share   GFLOP  GFLOP/s  of the rate`);
  for (const { name, milliseconds, share, gigaflops } of modules) {
    const speed = (gigaflops / milliseconds) * 1000;
    const numbers = [milliseconds.toFixed(0).padStart(7), `${(100 * share).toFixed(1)} %`.padStart(8)];
    const work =
      gigaflops > 0.05
        ? [
            gigaflops.toFixed(1).padStart(7),
            speed.toFixed(0).padStart(8),
            `${((100 * speed) / rate).toFixed(0)} %`.padStart(7),
          ]
        : [];
    console.log(`  ${name.padEnd(12)} ${[...numbers, ...work].join(" ")}`);
  }
}
rmSync(temporary, { recursive: true });
