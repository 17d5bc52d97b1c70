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
}

/** Bytes by purpose, and their sum. */
export interface MemoryEstimate {
  weights: number;
  gradients: number;
  optimizer: number;
  average: number;
  activations: number;
  batches: number;
  total: number;
}

/** Adds up the arrays of a run in float32; the program itself (some 200 MB with ONNX Runtime) comes on top. */
export function estimateMemory(question: MemoryQuestion): MemoryEstimate {
  const { parameters, trained, momentsPerWeight, average, accumulate, activationBytes, batchBytes, batchesAhead } =
    question;
  const parts = {
    weights: 4 * parameters,
    gradients: 4 * trained * (accumulate > 1 ? 2 : 1),
    optimizer: 4 * trained * momentsPerWeight,
    average: average ? 4 * parameters : 0,
    activations: activationBytes,
    batches: batchBytes * (batchesAhead + 1),
  };
  return { ...parts, total: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0) };
}

/** The estimate in words: "about 1.24 GB: activations 800 MB, weights 75 MB, …", the largest part first. */
export function memoryWords({ total, ...parts }: MemoryEstimate): string {
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
