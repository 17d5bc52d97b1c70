/** ONNX Runtime's telemetry, which is off here. */

/**
 * Keeps ONNX Runtime from calling its maker: unless told otherwise, it looks up an address at every start, reads the machine's id, keeps a
 * database of events in the user's cache, and dies where the command line is long. Must be called in the main thread before any thread
 * imports `onnxruntime-node`, as a worker's environment is a copy that the library does not see. Whoever sets the variable keeps his choice.
 */
export function telemetryOff(): void {
  process.env.ORT_DISABLE_TELEMETRY ??= "1";
}
