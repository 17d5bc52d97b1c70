/** Turns off ONNX Runtime's telemetry. */

/**
 * Turns off ONNX Runtime's telemetry. With telemetry, it looks up an address at every start, reads the machine's id, writes a database of
 * events into the user's cache, and crashes if the command line is long. Must be called in the main thread before any thread imports
 * `onnxruntime-node`, because a worker's environment is a copy that the library does not see. Does not change the variable if the user has
 * set it.
 */
export function telemetryOff(): void {
  process.env.ORT_DISABLE_TELEMETRY ??= "1";
}
