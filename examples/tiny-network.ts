/** Trains two layers until they fit 64 random points. Run: npx tsx examples/tiny-network.ts */

import { AdamW, grad, nn, onnx, parameterGroups, Random, tensor } from "../src/index.ts";

const random = new Random(1);
const numbers = (count: number) => Float32Array.from({ length: count }, () => random.between(-1, 1));
const points = { x: numbers(64 * 4), y: numbers(64) };

const s = new nn.Scope();
const hidden = nn.linear(s.at("hidden"), 4, 128);
const out = nn.linear(s.at("out"), 128, 1);
const answers = out(tensor.relu(hidden(tensor.input("x", [64, 4]))));
const error = tensor.subtract(answers, tensor.input("y", [64, 1]));
const loss = tensor.divide(tensor.total(tensor.multiply(error, error)), 64);

const trained = tensor.reachable([loss]).filter((t) => t.operation === "parameter") as tensor.Tensor<"parameter">[];
const names = trained.map((parameter) => parameter.attributes.name);
const derivatives = Object.fromEntries(grad.gradients(loss, trained).map((d, i) => [`by ${names[i]}`, d]));
const weights = new Map(s.parameters.map((p) => [p.name, p.initialise(p.shape, () => random.unit())]));
const optimizer = new AdamW(parameterGroups(names, { learningRate: 0.01, weightDecay: 0 }));

const session = await onnx.Session.compile({ loss, ...derivatives });
export const losses: number[] = [];
for (let step = 0; step < 600; step++) {
  const found = (await session.run(points, { weights })) as Record<string, Float32Array>;
  optimizer.step(weights, new Map(names.map((name) => [name, found[`by ${name}`]!])));
  losses.push(found.loss![0]!);
}
await session.dispose();
console.log(`mean squared error ${losses[0]} at first, ${losses.at(-1)} after ${losses.length} steps`);
