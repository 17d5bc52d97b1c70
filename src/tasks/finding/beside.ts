/** A detector that answers beside a model for the names that it knows. */

import type { Detections, LevelOutputs, SelectOptions } from "../../boxes/select.ts";
import type { PicturePreparation, SizeRule } from "../../inputs/pictures/preparation.ts";
import type { PreparedImage } from "../../inputs/pictures/prepare-image.ts";
import type { Size } from "../../inputs/pictures/resize.ts";

export interface Beside {
  /** How it takes pictures. */
  readonly preparation: PicturePreparation<SizeRule | Size>;
  /** The number of the class that a name means, if it knows one. */
  classOf(label: string): number | undefined;
  /** What it sees in a picture prepared for it, for every class; boxes in pixels of a picture of `size`. */
  look(image: PreparedImage, size: Size): Promise<LevelOutputs>;
  /** The things of the labels whose class it knows, labels counted as given. */
  select(seen: LevelOutputs, labels: readonly string[], options: Omit<SelectOptions, "labelTokens">): Detections;
  dispose(): Promise<void>;
}
