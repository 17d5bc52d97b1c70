/**
 * TensorFlow.js on WebAssembly as a player of the benchmark: node tensorflow.js CASE. In Node its WebAssembly has one thread
 * (more need a page), and no kernel for the gradient of a convolution's weights.
 */
import { createRequire } from "node:module";
import { dirname, sep } from "node:path";
import { networks } from "./networks.js";
import { absent, count, numbers, play } from "./play.js";

const began = performance.now();
const require = createRequire(import.meta.url);
const { forward, tokens, maps } = networks[process.argv[2]] ?? absent("no such case");
const tf = load();
await tf.setBackend("wasm");

function load() {
  try {
    const wasm = require("@tensorflow/tfjs-backend-wasm");
    wasm.setWasmPaths(dirname(require.resolve("@tensorflow/tfjs-backend-wasm")) + sep);
    return require("@tensorflow/tfjs");
  } catch (error) {
    return absent(error);
  }
}

/** Maps are [n,h,w,c]. */
const ops = {
  shape: (x) => x.shape,
  constant: (data, shape) => tf.tensor(data, shape),
  add: tf.add,
  multiply: tf.mul,
  scale: tf.mul,
  matmul: tf.matMul,
  reshape: tf.reshape,
  transpose: tf.transpose,
  softmax: (x) => tf.softmax(x),
  relu: tf.relu,
  gelu: (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
  standardize: (x) => {
    const centred = tf.sub(x, tf.mean(x, -1, true));
    return tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-5)));
  },
  roll: (x, shift) =>
    [1, 2].reduce((y, axis) => {
      const size = y.shape[axis];
      const first = (size - shift) % size;
      return first === 0 ? y : tf.concat(tf.split(y, [first, size - first], axis).reverse(), axis);
    }, x),
  kernelShape: (size, channels) => [size, size, channels, channels],
  biasShape: (channels) => [channels],
  convolution: (x, { weight, bias }, stride) => tf.add(tf.conv2d(x, weight, stride, (weight.shape[0] - 1) / 2), bias),
  double: (x) => tf.image.resizeNearestNeighbor(x, [2 * x.shape[1], 2 * x.shape[2]]),
};

const tensor = (shape, scale) => tf.tensor(numbers(count(shape), scale), shape);
const inputs = (tokens ?? maps.map(([n, c, h, w]) => [n, h, w, c])).map((shape) => tensor(shape));
const weights = [];
tf.tidy(() => {
  const make = (shape) => {
    weights.push(tf.keep(tensor(shape, 0.05)));
    return weights.at(-1);
  };
  forward(ops, make, inputs);
});
const run = (given, of) => {
  const each = given[Symbol.iterator]();
  return forward(ops, () => each.next().value, of);
};
const loss = (...all) =>
  run(all.slice(inputs.length), all.slice(0, inputs.length))
    .map((y) => tf.mean(tf.square(y)))
    .reduce((sum, square) => tf.add(sum, square));
const slopes = tf.grads(loss);

await play(began, {
  forward: async () => {
    for (const y of tf.tidy(() => run(weights, inputs))) {
      y.dataSync();
      y.dispose();
    }
  },
  train: async () => {
    for (const slope of tf.tidy(() => slopes([...inputs, ...weights]))) {
      slope.dataSync();
      slope.dispose();
    }
  },
});
