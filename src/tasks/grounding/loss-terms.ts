/** The losses for training a detector. To add one, add a file and a row (docs/adding-a-model.md). */

import type { LossTerm } from "../../learning/traced-step.ts";
import type { HeadLevel } from "../../models/parts/detector.ts";
import type { Example } from "./assemble-batch.ts";
import { contrastTerm } from "./contrast.ts";
import { boxTerm, centernessTerm, tokenTerm } from "./losses.ts";
import type { GroundingSizes, TargetNumbers } from "./targets.ts";

export type { GroundingSizes } from "./targets.ts";

/** A loss term, and its own targets in batches, if GLIP's targets are not enough. */
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

/** The losses by name, with their weights. */
export type Losses = { readonly [Name in LossName]?: number };

/** GLIP's losses; the weight of the box loss is part of the loss itself. */
export const glipLosses = { loss_dot_product_token: 1, loss_reg: 1, loss_centerness: 1 } as const satisfies Losses;
