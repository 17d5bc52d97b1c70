/** A row of the table of formats: how to recognise, read, check and write a format. */
import type { Dataset, ImageRange } from "./dataset.ts";
import type { Problems } from "./problems.ts";

/** A recognised dataset, or a split of one. */
export interface FoundSet {
  /** File or folder to read. */
  path: string;
  /** Name of the split in the dataset, for example train2017 or valid. Undefined if there are no splits. */
  split?: string;
  /** Possible folders of its pictures, the likeliest first. */
  pictures: readonly string[];
}

/** The options of a reader. */
export interface ReadOptions {
  problems: Problems;
  /** Folder of the pictures, if the user gave it. */
  images?: string;
  /** List of images of flickr30k (default: train). */
  subset?: string;
  /** The range of images to read. Default: all. */
  shown?: ImageRange;
}

/** A dataset or a split to write. */
export interface WrittenPart {
  split?: string;
  dataset: Dataset;
}

/** The files of a written dataset. */
export interface WrittenFiles {
  /** Texts by path in the output folder; a single file has the path "". They are written in this order. */
  texts: Map<string, string>;
  /** Paths of the pictures of each part in the output folder, in the order of its images. None for single files. */
  pictures?: string[][];
}

/** The functions of a format. */
export interface FormatRow {
  /** What an image can have: boxes of classes, captions (with boxes of their phrases, if any), or both. */
  holds: "classes" | "captions" | "both";
  /** The sets of this format at an existing path; none if the path has another format. */
  find(path: string): FoundSet[];
  /** Reads a set. Errors are added to `problems`; unusable records are left out. */
  read(set: FoundSet, options: ReadOptions): Dataset | Promise<Dataset>;
  /** Whether `data check` must open the pictures; the readers of the other formats open them. */
  opensPictures: boolean;
  /** What `write` stores of an object besides its box and class. */
  stores?: readonly ("mask" | "crowd")[];
  /** Writes the format for `data convert`, if it can be written. */
  write?(parts: readonly WrittenPart[]): WrittenFiles;
}
