/** Writes a model as an ONNX file for other programs. */

import { basename } from "node:path";
import { WeightsError } from "../errors.ts";
import { replaceWhole, writeWhole } from "../files/write-whole.ts";
import { reachable, type Tensor } from "../tensor/index.ts";
import { lowerToModel } from "./lower.ts";
import { modelPieces, type NumbersPlace, type OnnxTensor } from "./proto.ts";
import { NumbersFile } from "./stored-weights.ts";

export interface ExportOptions {
  /** All weights that the outputs need, by checkpoint name. */
  weights: ReadonlyMap<string, Float32Array>;
  /** If all weights together have more bytes than this, they are written to `NAME.onnx.data` next to the model; default 1.5 GB. */
  mostInside?: number;
}

/**
 * Writes the graph of the outputs as an ONNX model with standard operators and the given names of inputs and outputs. Files get their names
 * when they are complete. A `WeightsError` lists all weights that are missing or have another size.
 */
export async function exportOnnx(
  outputs: Readonly<Record<string, Tensor>>,
  path: string,
  { weights, mostInside = 1.5e9 }: ExportOptions,
): Promise<void> {
  const used = weightsOf(outputs, weights);
  const bytes = [...used.values()].reduce((sum, numbers) => sum + numbers.byteLength, 0);
  const dataPath = `${path}.data`;
  const writeModel = (places?: ReadonlyMap<string, NumbersPlace>) =>
    writeWhole(path, async (handle) => {
      const baked = (name: string): OnnxTensor["data"] | undefined => (places ?? used).get(name);
      for (const piece of modelPieces(lowerToModel(outputs, { portable: true, baked }).model))
        await handle.appendFile(piece);
    });
  if (bytes <= mostInside) return writeModel();
  await replaceWhole(dataPath, async (draft) => writeModel(writeNumbers(draft, basename(dataPath), used)));
}

function weightsOf(
  outputs: Readonly<Record<string, Tensor>>,
  weights: ReadonlyMap<string, Float32Array>,
): Map<string, Float32Array> {
  const used = new Map<string, Float32Array>();
  const wrong: string[] = [];
  for (const tensor of reachable(Object.values(outputs)))
    if (tensor.operation === "parameter") {
      const { name } = (tensor as Tensor<"parameter">).attributes;
      const numbers = weights.get(name);
      const shape = `${name} [${tensor.shape.join(", ")}]`;
      if (!numbers) wrong.push(`missing  ${shape}`);
      else if (numbers.length !== tensor.count) wrong.push(`size     ${shape} has ${numbers.length} numbers`);
      else used.set(name, numbers);
    }
  if (wrong.length > 0)
    throw new WeightsError(`weights do not fit the model to export:\n${wrong.map((line) => `  ${line}`).join("\n")}`);
  return used;
}

function writeNumbers(
  path: string,
  name: string,
  weights: ReadonlyMap<string, Float32Array>,
): Map<string, NumbersPlace> {
  const file = new NumbersFile(path, name);
  try {
    for (const [key, numbers] of weights) file.append(key, numbers);
    file.sync();
  } finally {
    file.close();
  }
  return file.places;
}
