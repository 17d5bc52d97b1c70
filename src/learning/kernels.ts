/** Loops over the arrays of a training step. They compute in double precision and round when they store. */

/** Arrays of equal length by their part, and factors; writes to some of the arrays, and returns a number where that is the result. */
type Kernel = (arrays: never, numbers: never) => number;

/** The loops by name, each usable in any thread. */
export const kernels = {
  adamw,
  average,
  sgd,
  squares,
  sum,
} satisfies Record<string, Kernel>;

type Kernels = typeof kernels;

/** One loop and what it works on. */
export type ArrayTask = {
  [Name in keyof Kernels]: {
    kernel: Name;
    arrays: Parameters<Kernels[Name]>[0];
    numbers: Parameters<Kernels[Name]>[1];
  };
}[keyof Kernels];

/** Does the work of a task in this thread. */
export function perform({ kernel, arrays, numbers }: ArrayTask): number {
  return (kernels[kernel] as (arrays: object, numbers: object) => number)(arrays, numbers);
}

/** The step of AdamW for one parameter (Loshchilov and Hutter 2019, algorithm 2), with the corrections of its moments as factors. */
function adamw(
  arrays: { weight: Float32Array; gradient: Float32Array; first: Float32Array; second: Float32Array },
  numbers: {
    beta1: number;
    beta2: number;
    epsilon: number;
    /** What decay leaves of a weight. */
    keep: number;
    stepSize: number;
    secondScale: number;
    gradientFactor: number;
  },
): number {
  const { weight, gradient, first, second } = arrays;
  const { beta1, beta2, epsilon, keep, stepSize, secondScale, gradientFactor } = numbers;
  const rest1 = 1 - beta1;
  const rest2 = 1 - beta2;
  for (let i = 0; i < weight.length; i++) {
    const g = gradient[i]! * gradientFactor;
    const m = beta1 * first[i]! + rest1 * g;
    const v = beta2 * second[i]! + rest2 * g * g;
    first[i] = m;
    second[i] = v;
    weight[i] = weight[i]! * keep - (stepSize * m) / (Math.sqrt(v) * secondScale + epsilon);
  }
  return 0;
}

/** The step of SGD with momentum for one parameter. */
function sgd(
  arrays: { weight: Float32Array; gradient: Float32Array; velocity: Float32Array },
  numbers: { momentum: number; learningRate: number; decay: number; gradientFactor: number },
): number {
  const { weight, gradient, velocity } = arrays;
  const { momentum, learningRate, decay, gradientFactor } = numbers;
  for (let i = 0; i < weight.length; i++) {
    const v = momentum * velocity[i]! + gradient[i]! * gradientFactor + decay * weight[i]!;
    velocity[i] = v;
    weight[i] = weight[i]! - learningRate * v;
  }
  return 0;
}

/** mean ← mean · decay + weight · (1 − decay) */
function average({ mean, weight }: { mean: Float32Array; weight: Float32Array }, { decay }: { decay: number }): number {
  const rest = 1 - decay;
  for (let i = 0; i < mean.length; i++) mean[i] = mean[i]! * decay + weight[i]! * rest;
  return 0;
}

/** The sum of the squares. */
function squares({ values }: { values: Float32Array }, _numbers: object): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return sum;
}

/**
 * total ← the sum of the parts, rounded after each addition: the sum of the first half and the sum of the second, each made in the same way.
 * So 2, 4, 8 … ranks with an equal block of the parts each get the same bits as one process.
 */
function sum({ total, parts }: { total: Float32Array; parts: readonly Float32Array[] }, _numbers: object): number {
  if (parts.length === 1) total.set(parts[0]!);
  else {
    const half = Math.ceil(parts.length / 2);
    sum({ total, parts: parts.slice(0, half) }, {});
    const others = parts.slice(half);
    const other = others.length === 1 ? others[0]! : new Float32Array(total.length);
    if (others.length > 1) sum({ total: other, parts: others }, {});
    for (let i = 0; i < total.length; i++) total[i] = total[i]! + other[i]!;
  }
  return 0;
}
