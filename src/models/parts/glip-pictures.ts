/** The picture preparation of GLIP models (GLIP `config/defaults.py`, INPUT; `structures/image_list.py`), and of other models trained with it. */

import type { PicturePreparation } from "../../inputs/pictures/preparation.ts";

/** The sides are the test sizes of the published models. */
export const glipPictures: PicturePreparation = {
  size: { short: 800, max: 1333 },
  filter: "bilinear",
  multiple: 32,
  channels: "bgr",
  highest: 255,
  mean: [103.53, 116.28, 123.675],
  deviation: [57.375, 57.12, 58.395],
};
