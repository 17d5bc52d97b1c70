/** `groundling/web`: what runs in a page: tensors, gradients, and sessions on the runtime that the page gives. */

export * as grad from "./grad/index.ts";
export * as nn from "./nn/index.ts";
export * as onnx from "./onnx/index.ts";
export { useRuntime } from "./onnx/runtimes.ts";
export * as tensor from "./tensor/index.ts";
