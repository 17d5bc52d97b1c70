/** `groundling/weights`: files of weights, how they fit a model, and published models by name. */

export { WeightsError } from "./errors.ts";
export { type ConvertOptions, convertToSafetensors } from "./weights/convert.ts";
export type { StoredArray } from "./weights/dtype.ts";
export { type FetchOptions, fetchFile } from "./weights/fetch.ts";
export { checkFit, type FitOptions, loadWeights, type NamedShape } from "./weights/fit.ts";
export { openWeights } from "./weights/open-weights.ts";
export type { Rename } from "./weights/rename.ts";
export type { WeightsEntry, WeightsFile } from "./weights/weights-file.ts";
export { type TensorToWrite, writeSafetensors } from "./weights/write-safetensors.ts";
export {
  type Environment,
  type FetchingOptions,
  fetchModel,
  type ZooModel,
  type ZooOptions,
  zoo,
} from "./weights/zoo.ts";
