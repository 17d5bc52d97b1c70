/** Tensors and the operations on them. */

export * from "./arithmetic.ts";
export * from "./dropout.ts";
export * from "./float16.ts";
export * from "./indexing.ts";
export * from "./layout.ts";
export * from "./normalization.ts";
export type * from "./operations.ts";
export * from "./print.ts";
export * from "./products.ts";
export * from "./reductions.ts";
export * from "./sampling.ts";
export { currentScope, inScope } from "./scope.ts";
export * from "./tensor.ts";
