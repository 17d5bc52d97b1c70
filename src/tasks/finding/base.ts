/** The base model of an adapted prompt or adapters. */

import { WeightsError } from "../../errors.ts";

/** The base model of an adaptation. */
export interface Base {
  /** Name of the built-in model, or of the model's folder or file. */
  readonly name: string;
  /** Digest of its weights, see `baseMark`. */
  readonly mark: string;
}

/** Throws WeightsError if the mark is not the mark of the base model. */
export function refuseOtherBase(base: Base, mark: string, what: string): void {
  if (base.mark !== mark)
    throw new WeightsError(
      `${what} was trained for the model ${base.name} with the mark ${base.mark}, but this model has the mark ${mark || "none"}; use ${base.name}, or adapt this model`,
    );
}

/** The base model as metadata of a file. */
export function baseMetadata({ name, mark }: Base): Record<string, string> {
  return { base: mark, base_name: name };
}

/** Throws WeightsError if the metadata has no base model. */
export function baseIn(metadata: ReadonlyMap<string, string>, path: string): Base {
  const [mark, name] = [metadata.get("base"), metadata.get("base_name")];
  if (mark !== undefined && name !== undefined) return { mark, name };
  throw new WeightsError(`${path}: has no record of its base model; create it again with groundling adapt`);
}
