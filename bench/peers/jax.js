/**
 * jax-js on WebAssembly as a player of the benchmark: node jax.js CASE. In Node its WebAssembly has one thread. Its arrays are given
 * away when they are used, so that every use here takes a `.ref` first.
 */
import { createRequire } from "node:module";
import { networks } from "./networks.js";
import { absent, count, numbers, play } from "./play.js";

const began = performance.now();
const { forward, tokens, maps } = networks[process.argv[2]] ?? absent("no such case");
const { numpy: np, lax, nn, jit, grad, init, defaultDevice } = load();
await init("wasm");
defaultDevice("wasm");

function load() {
  try {
    return createRequire(import.meta.url)("@jax-js/jax");
  } catch (error) {
    return absent(error);
  }
}

const square = (x) => np.square(x.ref);

/** Maps are [n,c,h,w]. */
const ops = {
  shape: (x) => x.shape,
  constant: (data, shape) => np.array(data).reshape(shape),
  add: (a, b) => np.add(a.ref, b.ref),
  multiply: (a, b) => np.multiply(a.ref, b.ref),
  scale: (x, by) => np.multiply(x.ref, by),
  matmul: (a, b) => np.matmul(a.ref, b.ref),
  reshape: (x, shape) => np.reshape(x.ref, shape),
  transpose: (x, order) => np.transpose(x.ref, order),
  softmax: (x) => nn.softmax(x.ref, -1),
  relu: (x) => nn.relu(x.ref),
  gelu: (x) => nn.gelu(x.ref, { approximate: false }),
  standardize: (x) => nn.standardize(x.ref, -1),
  roll: (x, shift) => (shift === 0 ? x : np.roll(x.ref, [shift, shift], [1, 2])),
  kernelShape: (size, channels) => [channels, channels, size, size],
  biasShape: (channels) => [channels, 1, 1],
  convolution: (x, { weight, bias }, stride) => {
    const padding = (weight.shape[2] - 1) / 2;
    const sides = [
      [padding, padding],
      [padding, padding],
    ];
    return np.add(lax.conv(x.ref, weight.ref, [stride, stride], sides), bias.ref);
  },
  double: (x) => {
    const [n, c, h, w] = x.shape;
    const apart = np.reshape(x.ref, [n, c, h, 1, w, 1]);
    return np.reshape(np.broadcastTo(apart, [n, c, h, 2, w, 2]), [n, c, 2 * h, 2 * w]);
  },
};

const array = (shape, scale) => np.array(numbers(count(shape), scale)).reshape(shape);
const inputs = (tokens ?? maps).map((shape) => array(shape));
const weights = [];
const run = (given, of) => {
  const each = given[Symbol.iterator]();
  return forward(ops, () => each.next().value, of);
};
for (const y of forward(
  ops,
  (shape) => {
    weights.push(array(shape, 0.05));
    return weights.at(-1);
  },
  inputs,
))
  y.dispose();
const loss = (given, of) =>
  run(given, of)
    .map((y) => np.mean(square(y)))
    .reduce((sum, one) => np.add(sum, one));
const forwardPass = jit(run);
const slopes = jit(grad(loss, { argnums: [0, 1] }));
const refs = (list) => list.map((x) => x.ref);

await play(began, {
  forward: async () => {
    for (const y of forwardPass(refs(weights), refs(inputs))) await y.data();
  },
  train: async () => {
    for (const slope of slopes(refs(weights), refs(inputs)).flat()) await slope.data();
  },
});
