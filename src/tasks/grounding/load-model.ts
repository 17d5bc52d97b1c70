/** From a name or a path to a model that finds things. */

import type { BackendOptions } from "../../onnx/index.ts";
import { GroundingModel } from "./grounding-model.ts";
import { readModel } from "./model-folder.ts";
import { Predictor } from "./predictor.ts";

/** Loads the built-in model when no name is given; otherwise a folder or a published checkpoint file. */
export async function loadModel(nameOrPath?: string, options: BackendOptions = {}): Promise<GroundingModel> {
  const { model, weights, words, size } = await readModel(nameOrPath);
  return new GroundingModel(new Predictor(model, weights, options), words, size);
}
