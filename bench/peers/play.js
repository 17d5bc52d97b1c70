/** A peer's side of the benchmark (see ../player.ts): says that it is ready, then answers lines until its input ends. */
import { createInterface } from "node:readline";

/** Runs by kind answer when their numbers are there. A kind that fails answers NaN. */
export async function play(began, runs) {
  await runs.forward();
  console.log(JSON.stringify({ startUp: performance.now() - began }));
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === "memory") {
      console.log(process.resourceUsage().maxRSS / 1024);
      continue;
    }
    const start = performance.now();
    const time = await runs[line]().then(
      () => performance.now() - start,
      (error) => {
        console.error(error);
        return Number.NaN;
      },
    );
    console.log(time);
  }
}

/** Numbers in -1..1, the same at every start. */
export function numbers(count, scale = 1) {
  let state = 1;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (scale * state) / 2 ** 31;
  });
}

export const count = (shape) => shape.reduce((product, size) => product * size, 1);

/** Ends a player that cannot play: its library is not installed, or it has no such case. */
export function absent(why) {
  console.log(JSON.stringify({ absent: String(why) }));
  process.exit();
}
