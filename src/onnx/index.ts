/** Converts tensors to ONNX bytes, and runs them in sessions. Modules that need files or threads are imported separately. */

export * from "./backend.ts";
export * from "./lower.ts";
export type { AttributeValue, NumbersPlace, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from "./proto.ts";
export { useRuntime } from "./runtimes.ts";
export * from "./session.ts";
