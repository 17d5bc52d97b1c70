/** Tensors to ONNX bytes, and sessions that run them. What needs files or threads is imported from its own file. */

export * from "./backend.ts";
export * from "./lower.ts";
export { useRuntime } from "./runtimes.ts";
export * from "./session.ts";
