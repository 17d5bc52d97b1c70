/** Estimates the memory of a training run before it starts. */

export interface MemoryQuestion {
  /** Numbers in all weights. */
  parameters: number;
  /** Numbers in the weights that are not frozen. */
  trained: number;
  /** Arrays that the optimizer keeps for each trained weight: 2 for AdamW, 1 for SGD with momentum. */
  momentsPerWeight: number;
  /** Whether the run keeps a moving average of all weights. */
  average: boolean;
  /** Batches whose gradients are added for one step. */
  accumulate: number;
  /** Peak bytes of the values that a forward and backward pass keeps. */
  activationBytes: number;
  /** Bytes of one composed batch. */
  batchBytes: number;
  /** Batches made ahead of the trainer. */
  batchesAhead: number;
  /** Parts of a batch computed in parallel, each in a session and, if there are several, in its own thread. */
  shards: number;
}

/** Bytes by purpose, and their sum. */
export interface MemoryEstimate {
  weights: number;
  gradients: number;
  optimizer: number;
  average: number;
  activations: number;
  batches: number;
  /** Node and its libraries, threads, and the graphs of sessions. */
  program: number;
  total: number;
}

/** Bytes of this package with ONNX Runtime, of one more thread, and of the prepared graph of a training step; measured on two recipes. */
const PROGRAM_BYTES = 150e6;
const THREAD_BYTES = 50e6;
const SESSION_BYTES = 110e6;

/** Adds up the arrays of a run in float32 and the program; within 30 % of what a run takes at its peak. */
export function estimateMemory(question: MemoryQuestion): MemoryEstimate {
  const { parameters, trained, momentsPerWeight, average, accumulate, activationBytes, batchBytes, batchesAhead } =
    question;
  const threads = (question.shards > 1 ? question.shards : 0) + (batchesAhead > 0 ? 1 : 0);
  const parts = {
    weights: 4 * parameters,
    // Shards answer each with a copy, and their sum is the first one's.
    gradients: 4 * trained * (question.shards + (accumulate > 1 ? 1 : 0)),
    optimizer: 4 * trained * momentsPerWeight,
    average: average ? 4 * parameters : 0,
    activations: activationBytes,
    batches: batchBytes * (batchesAhead + 1),
    program: PROGRAM_BYTES + THREAD_BYTES * threads + SESSION_BYTES * question.shards,
  };
  return { ...parts, total: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0) };
}

/** The estimate in words: "about 1.24 GB: activations 800 MB, weights 75 MB, …", the largest part first. */
export function memoryText({ total, ...parts }: MemoryEstimate): string {
  const named = Object.entries(parts)
    .filter(([, bytes]) => bytes > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([name, bytes]) => `${name} ${byteWords(bytes)}`);
  return `about ${byteWords(total)}: ${named.join(", ")}`;
}

function byteWords(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const unit = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  return `${Number((bytes / 1000 ** unit).toPrecision(3))} ${units[unit]}`;
}
