/** Interrupts a training run and resumes it; the result has the same bits. Run: npx tsx examples/train-resume.ts FOLDER */

import { join } from "node:path";
import { AdamW, localBatchSource, parameterGroups, Random, train } from "../src/index.ts";

const folder = process.argv[2];
if (!folder) throw new Error("say where the checkpoints may go: train-resume.ts runs/example");

/** Fits the line y = 2x − 1; `interruptAt` stops the run after that step. */
function run(name: string, interruptAt?: number) {
  const weights = new Map([
    ["slope", new Float32Array(1)],
    ["offset", new Float32Array(1)],
  ]);
  const controller = new AbortController();
  return train({
    weights,
    source: localBatchSource({ compose: (job) => new Random(7, job).between(-1, 1) }),
    step: async (w, x) => {
      const error = w.get("slope")![0]! * x + w.get("offset")![0]! - (2 * x - 1);
      const gradients = new Map([
        ["slope", Float32Array.of(2 * error * x)],
        ["offset", Float32Array.of(2 * error)],
      ]);
      return { losses: { square: error * error }, gradients };
    },
    optimizer: new AdamW(parameterGroups(weights.keys(), { learningRate: 0.05, weightDecay: 0.01 })),
    totalSteps: 100,
    learningRate: (step) => 1 - step / 100,
    divergence: Number.POSITIVE_INFINITY,
    checkpoints: { folder: join(folder!, name), resume: true },
    listeners: [{ stepped: ({ step }) => (step === interruptAt ? controller.abort() : undefined) }],
    signal: controller.signal,
  });
}

const whole = await run("whole");
const first = await run("parted", 37);
const resumed = await run("parted");
const bits = (weights: typeof whole.weights) => Buffer.concat([...weights.values()].map((w) => Buffer.from(w.buffer)));
export const sameBits = bits(whole.weights).equals(bits(resumed.weights));
console.log(`interrupted after ${first.step} steps, resumed to ${resumed.step}: same bits ${sameBits}`);
