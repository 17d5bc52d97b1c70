/** The heads of a GLIPv2, and the commands that need them. */

import { InputError } from "../../errors.ts";
import { type GlipV2, isGlipV2 } from "../../models/glip-v2/glip-v2.ts";
import type { Detector } from "../../models/parts/detector.ts";

/** A head of a GLIPv2. */
export type Head = "masks" | "answering" | "captions";
/** A command that needs a head. */
export type HeadCommand = "segment" | "answer" | "describe";

/** The head that each command needs. */
export const headOf: Readonly<Record<HeadCommand, Head>> = {
  segment: "masks",
  answer: "answering",
  describe: "captions",
};

const NAMES: Readonly<Record<Head, readonly [what: string, setting: string]>> = {
  masks: ["mask head", "heads.masks"],
  answering: ["answer head", "answers"],
  captions: ["caption head", "heads.captions"],
};

/** The model as a GLIPv2 with a head. Throws InputError, which says what the model can do, and which model has the head. */
export function withHead(model: Detector, head: Head): GlipV2 {
  if (isGlipV2(model) && model[head]) return model;
  const [what, setting] = NAMES[head];
  const able = (Object.keys(headOf) as HeadCommand[]).filter((one) => isGlipV2(model) && model[headOf[one]]);
  const can = ["detect", ...("bert" in model.config ? ["ground"] : []), ...able];
  throw new InputError(
    `this model has no ${what}; it can ${can.join(", ")}; load a GLIPv2 model whose config.json has ${setting}`,
  );
}
