/** Tensors to ONNX bytes, and sessions that run them. */

export * from "./backend.ts";
export * from "./lower.ts";
export * from "./session.ts";
