/** The options and results of lowering. */

import type { ElementType, Numbers, Shape } from "../tensor/index.ts";
import type { NumbersPlace, OnnxTensor } from "./proto.ts";

/** A weight's numbers in float32, or the place of a file where they lie, which may hold them in float16. */
export type BakedWeight = Numbers | (NumbersPlace & { type?: "float16" });

/** What is baked into the ONNX model, and with how many bits. */
export interface LowerOptions {
  /** Whether dropout and drop path are active. */
  training?: boolean;
  /** "fed": numbers that depend on picture sizes become inputs, so that traces at other sizes give the same bytes. */
  sizes?: "baked" | "fed";
  /** Parameters baked in as initializers; those it does not know are fed. */
  baked?: (name: string) => BakedWeight | undefined;
  /** Numbers made of a baked weight and kept under a key, where weights lie in a file. */
  derive?: (key: string, name: string, make: (weight: Float32Array) => Numbers) => OnnxTensor["data"];
  /** Only standard ONNX operators, for other runtimes. */
  portable?: boolean;
  /**
   * float16: weights and computation with half the bits, for inference on GPUs and for small files; slower on a CPU. Inputs and outputs
   * keep their types.
   */
  precision?: "float32" | "float16";
  /** 8: products use baked weights with two axes as bytes with a scale for each block of at most 128 (not portable). */
  weightBits?: 8;
}

/** A value that is fed at each run. */
export interface Fed {
  name: string;
  type: ElementType;
  shape: Shape;
}

/** An ONNX model and its inputs. */
export interface Lowered {
  bytes: Uint8Array<ArrayBuffer>;
  /** Inputs from the caller, by name. */
  inputs: Fed[];
  /** Fed weights, by checkpoint name. */
  parameters: Fed[];
  /** Masks that the runner creates for each run. */
  dropMasks: (Fed & { rate: number })[];
  /** Numbers of this trace that are fed with each run. */
  constants: (Fed & { data: Numbers })[];
  outputs: Fed[];
  /** Whether it must run in one thread: ONNX Runtime adds many rows at repeated positions in several threads without a lock. */
  oneThread: boolean;
  /** Names of the nodes that ONNX Runtime's WebGPU provider computes wrongly; they run on the CPU there. */
  notOnWebGpu: string[];
}
