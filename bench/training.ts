/**
 * Times a training step of the nano GLIP (4 pictures of 160 pixels: losses, gradients, clipping, AdamW) against PyTorch's on the same
 * graph, each with its better way to use the cores; then compares the speed of composing such pictures with the speed of training.
 *
 *     PEER=FOLDER node --import tsx bench/training.ts      environment: PYTHON, THREADS (default 2), RUNS (default 3)
 *
 * PEER contains glip_torch.py and cases.py of the second implementation. Its text is padded to 256 tokens, as in the reference; ours is as
 * long as its words.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Random } from "../src/data/random.ts";
import { AdamW } from "../src/learning/adamw.ts";
import { performAll } from "../src/learning/array-work.ts";
import { clipFactor, globalNorm } from "../src/learning/clip.ts";
import { parameterGroups } from "../src/learning/parameter-groups.ts";
import { glip } from "../src/models/glip/glip.ts";
import { glipPresets } from "../src/models/glip/glip-presets.ts";
import { glipPictures } from "../src/models/parts/glip-pictures.ts";
import { createComposer } from "../src/tasks/grounding/scene-composer.ts";
import { GroundingTrainingStep } from "../src/tasks/grounding/training-step.ts";
import { median, randomBatch } from "./random-batch.ts";

const threads = Number(process.env["THREADS"] ?? 2);
const runs = Number(process.env["RUNS"] ?? 3);
const peer = process.env["PEER"];
if (!peer) throw new Error("set PEER to the folder of glip_torch.py and cases.py");
const [side, pictures, tokens, steps] = [160, 4, 12, 8];

const random = new Random(1, "bench");
const model = glip(glipPresets.nano);
const uniform = () => random.unit();
const weights = new Map(model.parameters.map(({ name, shape, initialise }) => [name, initialise(shape, uniform)]));
const batch = randomBatch(random, { pictures, side, tokens, maxTokens: glipPresets.nano.maxTokens });
const ours = new Map<string, GroundingTrainingStep>();
for (const shards of [1, threads]) ours.set(`ours, ${shards} shards`, new GroundingTrainingStep(model, { shards }));
const optimizer = new AdamW(parameterGroups(weights.keys(), { learningRate: 1e-6, weightDecay: 1e-4 }));

const times = new Map<string, number[]>();
for (let turn = -1; turn < runs; turn++) {
  for (const [name, step] of ours) note(turn, name, await oursOnce(step));
  if (turn < 0) continue;
  for (const count of new Set([1, threads])) for (const [name, time] of peerOnce(count)) note(turn, name, time);
}
for (const step of ours.values()) await step.dispose();
const best = (side: "ours" | "PyTorch") =>
  Math.min(...[...times].filter(([name]) => name.startsWith(side)).map(([, all]) => median(all)));
console.log(`nano GLIP, ${pictures} pictures of ${side} pixels, seconds a step, medians of ${runs} turns`);
for (const [name, all] of times)
  console.log(`  ${name.padEnd(34)} ${median(all).toFixed(3)}   (${all.map((t) => t.toFixed(3)).join(" ")})`);
console.log(`times faster than PyTorch's best: ${(best("PyTorch") / best("ours")).toFixed(2)}`);
const composed = await composedPerSecond();
const eaten = pictures / best("ours");
console.log(
  `one worker composes ${composed.toFixed(1)} pictures a second, the trainer eats ${eaten.toFixed(1)}: ${(composed / eaten).toFixed(2)} times`,
);

async function oursOnce(step: GroundingTrainingStep): Promise<number> {
  const each: number[] = [];
  for (let i = 0; i < steps; i++) {
    const start = performance.now();
    const { gradients } = await step.run(weights, batch);
    await performAll(optimizer.tasks(weights, gradients, { gradient: clipFactor(await globalNorm(gradients), 1) }));
    each.push((performance.now() - start) / 1000);
  }
  return median(each);
}

function peerOnce(count: number): [string, number][] {
  const told = ["time-train", "--preset", "nano", "--size", side, "--batch", pictures, "--threads", count].map(String);
  const lines = execFileSync(process.env["PYTHON"] ?? "/usr/bin/python3", ["cases.py", ...told], {
    cwd: peer!,
    encoding: "utf8",
  });
  return lines
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .map(({ deform, seconds }) => [`PyTorch, ${deform}, ${count} threads`, seconds.total ?? seconds]);
}

/** Scenes of the first world, drawn, prepared, captioned and assigned to anchors by one thread. */
async function composedPerSecond(): Promise<number> {
  const composer = await createComposer({
    words: { kind: "word-pieces", file: fileURLToPath(new URL("../assets/words/vocab.txt", import.meta.url)) },
    preparation: glipPictures,
    seed: 1,
    pictures,
    sizes: [side],
    tokens: 64,
    maxTokens: 64,
    sprites: process.env["SPRITES"] ?? "runs/sprites",
    world: { split: "train", names: "everyday" },
    scene: { objects: 4, smallest: 0.25 },
    sentences: 0.15,
    names: 10,
  });
  for (let job = 0; job < 3; job++) composer.compose(job);
  const start = performance.now();
  const jobs = 20;
  for (let job = 3; job < 3 + jobs; job++) composer.compose(job);
  return (1000 * jobs * pictures) / (performance.now() - start);
}

function note(turn: number, name: string, time: number): void {
  if (turn >= 0) times.set(name, [...(times.get(name) ?? []), time]);
}
