/** A training run of a few weights with dropout, in the ranks that mpirun started it in, or alone: `SHARDS STEPS FOLDER`. */

import { pathToFileURL } from "node:url";
import { Random } from "../../src/data/random.ts";
import { ranksOf } from "../../src/jobs/mpi.ts";
import { AdamW } from "../../src/learning/adamw.ts";
import { localBatchSource } from "../../src/learning/batch-source.ts";
import { parameterGroups } from "../../src/learning/parameter-groups.ts";
import type { Ranks } from "../../src/learning/ranks.ts";
import { type TracedBatch, TracedStep } from "../../src/learning/traced-step.ts";
import { train } from "../../src/learning/train.ts";
import { dropout, matmul, mean, multiply, parameter, softmax, subtract } from "../../src/tensor/index.ts";

interface Sizes extends Record<string, number> {
  pictures: number;
}
const PICTURES = 6;
const [SEEN, HIDDEN] = [8, 16];

/** Trains with the shards divided between the ranks, and writes the last checkpoint into the folder. */
export async function smallTraining(options: { shards: number; steps: number; folder: string; ranks?: Ranks }) {
  const { shards, steps, folder, ranks } = options;
  const random = new Random(1, "dropout");
  const fed = { per: "picture", shape: ({ pictures }: Sizes) => [pictures, SEEN] } as const;
  const model = {
    inputs: { seen: fed },
    forward: ({ seen }: Record<string, ReturnType<typeof parameter>>) =>
      matmul(
        dropout(softmax(matmul(seen!, parameter("first", [SEEN, HIDDEN])), 1), 0.5),
        parameter("second", [HIDDEN, SEEN]),
      ),
  };
  const term = {
    targets: { wanted: fed },
    loss: (output: ReturnType<typeof model.forward>, { wanted }: Parameters<typeof model.forward>[0]) => {
      const difference = subtract(output, wanted!);
      return mean(multiply(difference, difference), [0, 1]);
    },
  };
  const shared = ranks ? { ranks } : {};
  const step = new TracedStep<Sizes, ReturnType<typeof model.forward>>(
    model,
    { loss: { term } },
    { shards, random: () => random.unit(), ...shared },
  );
  const numbers = (seed: number, count: number) => {
    const generator = new Random(seed, "numbers");
    return Float32Array.from({ length: count }, () => generator.unit() - 0.5);
  };
  const weights = new Map([
    ["first", numbers(1, SEEN * HIDDEN)],
    ["second", numbers(2, HIDDEN * SEEN)],
  ]);
  const compose = (job: number): TracedBatch<Sizes> => ({
    sizes: { pictures: PICTURES },
    arrays: { seen: numbers(10 + 2 * job, PICTURES * SEEN), wanted: numbers(11 + 2 * job, PICTURES * SEEN) },
  });
  const restore = (state: unknown) => {
    random.state = state as Random["state"];
  };
  try {
    await train({
      weights,
      step: (now, batch) => step.run(now, batch),
      source: localBatchSource({ compose }),
      optimizer: new AdamW(parameterGroups(weights.keys(), { learningRate: 0.01, weightDecay: 0.1 })),
      totalSteps: steps,
      learningRate: () => 1,
      averageDecay: 0.9,
      restorables: { dropout: { save: () => [...random.state], restore } },
      checkpoints: { folder },
      ...shared,
    });
  } finally {
    await step.dispose();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) {
  const [shards, steps, folder] = process.argv.slice(2);
  const ranks = await ranksOf(process.env);
  const shared = ranks ? { ranks } : {};
  await smallTraining({ shards: Number(shards), steps: Number(steps), folder: folder!, ...shared });
  ranks?.close();
}
