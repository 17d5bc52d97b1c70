/** The options that choose which part of a dataset to read, and how. */

import { Option } from "commander";
import { formats } from "../../data/readers/format-names.ts";

export const datasetOptions = {
  as: () => new Option("--as <format>", "format of the dataset (default: detected)").choices(formats),
  split: () => new Option("--split <name>", "split of the dataset, for example val2017 or test"),
  images: () => new Option("--images <folder>", "folder of the pictures (default: found near the annotations)"),
};
