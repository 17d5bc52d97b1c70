/** The refusal of protocols that do not run models. */

import { InputError } from "../../errors.ts";

/** Throws InputError that says which files the protocol scores. */
export function onlyFiles(protocol: string, what: string): never {
  throw new InputError(
    `--protocol ${protocol} scores a file of ${what}; give it by --detections together with --ground-truth`,
  );
}
