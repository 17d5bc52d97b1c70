/**
 * What the sum of gradients over ranks costs, without a step: `mpirun -n 2 node --import tsx bench/ranks.ts`. Prints, for gradients of some
 * models, the bytes that a rank sends and the milliseconds, and compares both with a copy of the same numbers in memory.
 */

import { ranksOf } from "../src/jobs/mpi.ts";
import { glip } from "../src/models/glip/glip.ts";
import { glipPresets } from "../src/models/glip/glip-presets.ts";

const ranks = await ranksOf(process.env);
const count = ranks?.count ?? 1;
const weightsOf = (name: keyof typeof glipPresets) =>
  glip(glipPresets[name]).parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);

/** Median milliseconds of five calls, after one. */
async function median(work: () => Promise<void> | void): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 6; i++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  return times.slice(1).sort((a, b) => a - b)[2]!;
}

for (const name of ["nano", "glip-t"] as const) {
  const weights = weightsOf(name);
  const numbers = new Float32Array(weights).fill(1);
  const other = new Float32Array(weights);
  const copied = await median(() => other.set(numbers));
  const summed = ranks ? await median(() => ranks.sum(numbers)) : 0;
  const sent = (2 * (count - 1) * 4 * weights) / count;
  if (!ranks?.rank)
    process.stdout.write(
      `${name}: ${(weights / 1e6).toFixed(1)} million weights, ${count} ranks: ${(sent / 1e6).toFixed(0)} MB sent by a rank, sum ${summed.toFixed(0)} ms, ${(summed / copied).toFixed(1)} times a copy\n`,
    );
}
ranks?.close();
