/** Multinomial logistic regression with an L2 penalty, fitted to convergence by L-BFGS (Nocedal and Wright 2006, algorithm 7.4). */

import { gradients } from "../../grad/index.ts";
import { lower, SessionCache } from "../../onnx/index.ts";
import {
  add,
  gatherAlong,
  input,
  logSoftmax,
  matmul,
  mean,
  multiply,
  negate,
  reshape,
  total,
} from "../../tensor/index.ts";

export interface LogisticOptions {
  /** Number of classes; labels are 0 to classes − 1. */
  readonly classes: number;
  /** Inverse weight of the penalty, as scikit-learn's C: the sum of the losses times C, plus half the squared length of the weights. */
  readonly strength: number;
}

/** A fitted classifier. */
export interface LogisticRegression {
  /** The score of each class for a vector. */
  scores(vector: Float32Array): Float64Array;
  /** Weights [width, classes], then biases [classes]; biases are not penalised. */
  readonly parameters: Float64Array;
}

interface Value {
  readonly loss: number;
  readonly slope: Float64Array;
}
type Objective = (parameters: Float64Array) => Promise<Value>;

const MEMORY = 10;
const MOST_STEPS = 1000;
/** Largest component of the gradient of the mean loss at the end; float32 rounding is below it. */
const TOLERANCE = 1e-5;

/** Fits vectors of one length to their labels. */
export async function fitLogisticRegression(
  vectors: readonly Float32Array[],
  labels: readonly number[],
  { classes, strength }: LogisticOptions,
): Promise<LogisticRegression> {
  const width = vectors[0]!.length;
  const { objective, dispose } = objectiveOf(vectors, labels, { classes, strength });
  try {
    const parameters = await minimise(objective, new Float64Array((width + 1) * classes));
    return { parameters, scores: (vector) => scoresOf(parameters, vector, classes) };
  } finally {
    await dispose();
  }
}

function scoresOf(parameters: Float64Array, vector: Float32Array, classes: number): Float64Array {
  const bias = vector.length * classes;
  const scores = parameters.slice(bias);
  vector.forEach((value, i) => {
    for (let k = 0; k < classes; k++) scores[k]! += value * parameters[i * classes + k]!;
  });
  return scores;
}

/** The mean loss with its penalty, and its gradient, as one ONNX graph. */
function objectiveOf(vectors: readonly Float32Array[], labels: readonly number[], options: LogisticOptions) {
  const { classes, strength } = options;
  const [n, width] = [vectors.length, vectors[0]!.length];
  const [x, own] = [input("x", [n, width]), input("own", [n, 1], "int64")];
  const [weight, bias] = [input("weight", [width, classes]), input("bias", [1, classes])];
  const fit = reshape(negate(mean(gatherAlong(logSoftmax(add(matmul(x, weight), bias)), own, 1))), []);
  const penalty = multiply(total(multiply(weight, weight)), 0.5 / (strength * n));
  const loss = add(fit, penalty);
  const [ofWeight, ofBias] = gradients(loss, [weight, bias]);
  const trace = lower({ loss, ofWeight: ofWeight!, ofBias: ofBias! });
  const sessions = new SessionCache();
  const rows = new Float32Array(n * width);
  vectors.forEach((vector, i) => {
    rows.set(vector, i * width);
  });
  const given = { x: rows, own: BigInt64Array.from(labels, BigInt) };
  const objective: Objective = async (parameters) => {
    const split = width * classes;
    const numbers = Float32Array.from(parameters);
    const feeds = { ...given, weight: numbers.slice(0, split), bias: numbers.slice(split) };
    const found = (await sessions.run(trace, feeds)) as Record<string, Float32Array>;
    const slope = new Float64Array(parameters.length);
    slope.set(found.ofWeight!);
    slope.set(found.ofBias!, split);
    return { loss: found.loss![0]!, slope };
  };
  return { objective, dispose: () => sessions.dispose() };
}

/** The place of the minimum of a convex function, from a start. */
async function minimise(objective: Objective, start: Float64Array): Promise<Float64Array> {
  const pairs: { step: Float64Array; change: Float64Array }[] = [];
  let place = start;
  let value = await objective(place);
  for (let step = 0; step < MOST_STEPS && largest(value.slope) > TOLERANCE; step++) {
    const direction = directionOf(value.slope, pairs);
    const next = await searchAlong(objective, { place, value, direction });
    if (!next) break;
    const moved = next.place.map((x, i) => x - place[i]!);
    const change = next.value.slope.map((x, i) => x - value.slope[i]!);
    // Rounding can make the curvature negative near the minimum.
    if (product(moved, change) > 0) pairs.push({ step: moved, change });
    if (pairs.length > MEMORY) pairs.shift();
    ({ place, value } = next);
  }
  return place;
}

/** Minus the gradient times the inverse of the curvature that the last steps showed. */
function directionOf(
  slope: Float64Array,
  pairs: readonly { step: Float64Array; change: Float64Array }[],
): Float64Array {
  const direction = slope.map((x) => -x);
  const shares: number[] = [];
  for (const { step, change } of pairs.toReversed()) {
    const share = product(step, direction) / product(step, change);
    shares.push(share);
    addScaled(direction, change, -share);
  }
  const last = pairs.at(-1);
  const scale = last ? product(last.step, last.change) / product(last.change, last.change) : 1;
  for (let i = 0; i < direction.length; i++) direction[i]! *= scale;
  for (const { step, change } of pairs) {
    const share = product(change, direction) / product(step, change);
    addScaled(direction, step, shares.pop()! - share);
  }
  return direction;
}

/** Halves the step until the loss falls enough (Armijo); undefined where it no longer falls. */
async function searchAlong(
  objective: Objective,
  { place, value, direction }: { place: Float64Array; value: Value; direction: Float64Array },
): Promise<{ place: Float64Array; value: Value } | undefined> {
  const fall = product(value.slope, direction);
  for (let length = 1; length > 1e-6; length /= 2) {
    const next = place.map((x, i) => x + length * direction[i]!);
    const found = await objective(next);
    if (found.loss <= value.loss + 1e-4 * length * fall) return { place: next, value: found };
  }
  return undefined;
}

function product(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}

function addScaled(a: Float64Array, b: Float64Array, scale: number): void {
  for (let i = 0; i < a.length; i++) a[i]! += scale * b[i]!;
}

function largest(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
