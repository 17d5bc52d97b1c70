/** The options by which verbs choose what is read of a dataset. */

import { Option } from "commander";
import { formats } from "../../data/readers/format-names.ts";

export const datasetOptions = {
  as: () => new Option("--as <format>", "read the dataset as this format (default: recognised)").choices(formats),
  split: () => new Option("--split <name>", "which split of the dataset, for example val2017 or test"),
  images: () => new Option("--images <folder>", "where the pictures are (default: found beside the annotations)"),
};
