/**
 * Runs Groundling for the benchmark. One process runs one case: it prints `{"startUp": ms}` when it is ready, answers each line `forward`
 * or `train` with the milliseconds of one run and `memory` with its peak in MB, and exits when its input ends.
 */
import { createInterface } from "node:readline";
import { Random } from "../src/data/random.ts";
import { gradients } from "../src/grad/index.ts";
import { Session } from "../src/onnx/index.ts";
import { add, mean, multiply, reachable, reshape, type Tensor } from "../src/tensor/index.ts";
import { cases } from "./cases.ts";

const [name = "", threads = "2"] = process.argv.slice(2);
const make = cases[name];
if (!make) throw new Error(`there is no case ${name}; there are ${Object.keys(cases).join(", ")}`);
const began = performance.now();
const { parameters, inputs, outputs } = make();
const random = new Random(1);
const uniform = () => random.unit();
const weights = new Map(parameters.map(({ name: key, shape, initialise }) => [key, initialise(shape, uniform)]));
const feeds = Object.fromEntries(
  inputs.map((x) => [x.attributes.name, Float32Array.from({ length: x.count }, () => 2 * uniform() - 1)]),
);
const options = { threads: Number(threads) };
const forward = await Session.compile(Object.fromEntries(outputs.map((y, i) => [`y${i}`, y])), {
  ...options,
  baked: (key) => weights.get(key),
});
await forward.run(feeds);
const startUp = performance.now() - began;

/** The gradients of the mean square with respect to all weights and inputs. */
async function training(): Promise<Session> {
  const squares = outputs.map((y) => reshape(mean(multiply(y, y)), []));
  const loss = squares.reduce((sum, square) => add(sum, square));
  const isParameter = (x: Tensor): x is Tensor<"parameter"> => x.operation === "parameter";
  const trained = [...reachable([loss]).filter(isParameter), ...inputs];
  const slopes = gradients(loss, trained);
  return Session.compile({ loss, ...Object.fromEntries(slopes.map((slope, i) => [`gradient ${i}`, slope])) }, options);
}

let trainer: Session | undefined;
console.log(JSON.stringify({ startUp }));
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "memory") {
    console.log(process.resourceUsage().maxRSS / 1024);
    continue;
  }
  if (line === "train") trainer ??= await training();
  const start = performance.now();
  if (line === "train") await trainer!.run(feeds, { weights });
  else await forward.run(feeds);
  console.log(performance.now() - start);
}
