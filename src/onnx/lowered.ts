/** What lowering is told, and what it answers. */

import type { ElementType, Numbers, Shape } from "../tensor/index.ts";
import type { OnnxTensor } from "./proto.ts";

/** What is baked into the ONNX model, and in how many bits. */
export interface LowerOptions {
  /** Whether dropout and drop path act. */
  training?: boolean;
  /** Fed: numbers that depend on picture sizes become inputs, so that traces at other sizes give the same bytes. */
  sizes?: "baked" | "fed";
  /** Parameters baked in as initializers; those it does not know are fed. */
  baked?: (name: string) => OnnxTensor["data"] | undefined;
  /** Numbers made of a baked weight and kept under a key, where weights lie in a file. */
  derive?: (key: string, name: string, make: (weight: Float32Array) => Numbers) => OnnxTensor["data"];
  /** Only standard ONNX operators, for other runtimes. */
  portable?: boolean;
  /**
   * float16: weights and sums in half the bits, for inference on GPUs and for small files; a CPU is slower with it. Fed and
   * answered numbers stay as they are.
   */
  precision?: "float32" | "float16";
  /** 8: products with baked weights of two axes take them as bytes with a scale for each block of at most 128 (not portable). */
  weightBits?: 8;
}

/** A value that is fed at each run. */
export interface Fed {
  name: string;
  type: ElementType;
  shape: Shape;
}

/** An ONNX model and what must be fed to run it. */
export interface Lowered {
  bytes: Uint8Array<ArrayBuffer>;
  /** What the caller feeds, by name. */
  inputs: Fed[];
  /** Weights that are fed, by checkpoint name. */
  parameters: Fed[];
  /** Masks that the runner draws for each run. */
  dropMasks: (Fed & { rate: number })[];
  /** Numbers of this trace to feed with each run. */
  constants: (Fed & { data: Numbers })[];
  outputs: Fed[];
  /** Whether it must run in one thread: ONNX Runtime adds many rows at repeated places in several threads without a lock. */
  oneThread: boolean;
}
