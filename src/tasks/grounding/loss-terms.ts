/** The losses that a detector can be trained by: to add one is to add a file and a row (docs/adding-a-model.md). */

import type { LossTerm } from "../../learning/traced-step.ts";
import type { HeadLevel } from "../../models/parts/detector.ts";
import type { Example } from "./assemble-batch.ts";
import { contrastTerm } from "./contrast.ts";
import { boxTerm, centernessTerm, tokenTerm } from "./losses.ts";
import type { GroundingSizes, TargetNumbers } from "./targets.ts";

export type { GroundingSizes } from "./targets.ts";

/** A term, and the numbers of its own that batches carry for it, where those of GLIP's losses do not suffice. */
export interface GroundingTerm extends LossTerm<GroundingSizes, readonly HeadLevel[]> {
  numbers?(examples: readonly Example[], sizes: GroundingSizes): TargetNumbers;
}

const rows = {
  loss_dot_product_token: tokenTerm,
  loss_reg: boxTerm,
  loss_centerness: centernessTerm,
  loss_contrast: contrastTerm,
} satisfies Record<string, GroundingTerm>;

export type LossName = keyof typeof rows;
export const lossTerms: Readonly<Record<LossName, GroundingTerm>> = rows;
export const lossNames = Object.keys(rows) as LossName[];

/** The weight of each loss that is minimised. */
export type Losses = { readonly [Name in LossName]?: number };

/** As GLIP is trained; the weight of the boxes is within their loss. */
export const glipLosses = { loss_dot_product_token: 1, loss_reg: 1, loss_centerness: 1 } as const satisfies Losses;
