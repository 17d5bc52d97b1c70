/** The base model of an adapted prompt or adapters. */

import { WeightsError } from "../../errors.ts";

/** The base model of an adaptation. */
export interface Base {
  /** Name of the built-in model, or of the model's folder or file. */
  readonly name: string;
  /** Digest of its weights, see `baseDigest`. */
  readonly digest: string;
}

/** Throws WeightsError if the digest is not the digest of the base model. */
export function refuseOtherBase(base: Base, digest: string, what: string): void {
  if (base.digest !== digest)
    throw new WeightsError(
      `${what} was trained for the model ${base.name} with the digest ${base.digest}, but this model has the digest ${digest || "none"}; use ${base.name}, or adapt this model`,
    );
}

/** The base model as metadata of a file. */
export function baseMetadata({ name, digest }: Base): Record<string, string> {
  return { base: digest, base_name: name };
}

/** Throws WeightsError if the metadata has no base model. */
export function baseIn(metadata: ReadonlyMap<string, string>, path: string): Base {
  const [digest, name] = [metadata.get("base"), metadata.get("base_name")];
  if (digest !== undefined && name !== undefined) return { digest, name };
  throw new WeightsError(`${path}: has no record of its base model; create it again with groundling adapt`);
}
