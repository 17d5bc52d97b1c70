/** The size of a model, estimated from its configuration before it is built. */

/** Maximum number of parameters: 16 GB of float32, ten times the largest published model. */
const MOST_PARAMETERS = 4e9;

/** The settings that determine the number of parameters. */
interface SizedConfig {
  readonly backbone: string | { readonly embedDim: number; readonly depths: readonly number[] };
  readonly channels: number;
  readonly steps: number;
  readonly bert?: {
    readonly hiddenSize: number;
    readonly layers: number;
    readonly intermediateSize: number;
    readonly vocabularySize: number;
    readonly positions: number;
  };
  readonly fusion?: { readonly width: number };
  readonly classes?: readonly string[];
}

/** The approximate number of parameters, counting only the largest layers. */
export function roughParameters(config: SizedConfig): number {
  const { backbone, channels, steps } = config;
  let count = steps * 4 * 9 * channels ** 2;
  if (typeof backbone === "object")
    for (const [stage, depth] of backbone.depths.entries()) count += depth * 12 * (backbone.embedDim * 2 ** stage) ** 2;
  if (!config.bert) return count + (config.classes?.length ?? 0) * channels;
  const { hiddenSize, layers, intermediateSize, vocabularySize, positions } = config.bert;
  count += (vocabularySize + positions) * hiddenSize + layers * hiddenSize * (4 * hiddenSize + 2 * intermediateSize);
  // Each step with fusion has projections of both sides and its own BERT layer.
  const { width = 0 } = config.fusion ?? {};
  return (
    count +
    (width ? steps * (3 * width * (channels + hiddenSize) + hiddenSize * (4 * hiddenSize + 2 * intermediateSize)) : 0)
  );
}

/** An error message for a configuration with too many parameters; checked before the model is built. */
export function tooLargeText(config: SizedConfig): string | undefined {
  const count = roughParameters(config);
  if (count <= MOST_PARAMETERS) return undefined;
  return `the model would have about ${(count / 1e9).toFixed(1)} billion parameters, more than the ${MOST_PARAMETERS / 1e9} billion that can be held; make it smaller`;
}
