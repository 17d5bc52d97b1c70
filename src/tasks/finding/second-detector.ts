/** The interface of a second detector, which adds detections of the names it knows. */

import type { Detections, LevelOutputs, SelectOptions } from "../../boxes/select.ts";
import type { PicturePreparation, SizeRule } from "../../inputs/pictures/preparation.ts";
import type { PreparedImage } from "../../inputs/pictures/prepare-image.ts";
import type { Size } from "../../inputs/pictures/resize.ts";

export interface SecondDetector {
  /** Its picture preparation. */
  readonly preparation: PicturePreparation<SizeRule | Size>;
  /** The index of the class for a name, if it knows one. */
  classOf(label: string): number | undefined;
  /** Its outputs for a picture prepared for it, for all classes; boxes are in pixels of a picture of `size`. */
  look(image: PreparedImage, size: Size): Promise<LevelOutputs>;
  /** Detections of the labels it knows; label indices refer to the given list. */
  select(seen: LevelOutputs, labels: readonly string[], options: Omit<SelectOptions, "labelTokens">): Detections;
  dispose(): Promise<void>;
}
