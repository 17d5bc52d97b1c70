/** A row of the table of formats: how to recognise, read, check and write a format. */
import type { Dataset, Shown } from "./dataset.ts";
import type { Problems } from "./problems.ts";

/** A recognised dataset, or a split of one. */
export interface FoundSet {
  /** File or folder to read. */
  path: string;
  /** What the dataset calls it: train2017, valid. Undefined where there is nothing to choose from. */
  split?: string;
  /** Folders in which its pictures may lie, the likeliest first. */
  pictures: readonly string[];
}

/** What a reader may be told. */
export interface ReadOptions {
  problems: Problems;
  /** Folder of the pictures, where it was told. */
  images?: string;
  /** List of images of flickr30k (default: train). */
  subset?: string;
  /** The images that are wanted; others are left out. All unless told. */
  shown?: Shown;
}

/** A dataset to be written, or a split of one. */
export interface WrittenPart {
  split?: string;
  dataset: Dataset;
}

/** The files of a dataset that was written. */
export interface WrittenFiles {
  /** Texts by path under the folder that is written; one file alone has the path "". They are written in this order. */
  texts: Map<string, string>;
  /** Paths under the folder at which the pictures of each part belong, in the order of its images. None for single files. */
  pictures?: string[][];
}

/** What can be done with a format. */
export interface FormatRow {
  /** What each image may hold: boxes of classes, captions (with boxes of their phrases where there are any), or both. */
  holds: "classes" | "captions" | "both";
  /** The sets of this format at a path that exists; none where it looks otherwise. */
  find(path: string): FoundSet[];
  /** What is wrong goes to `problems`; records that cannot be used are left out. */
  read(set: FoundSet, options: ReadOptions): Dataset | Promise<Dataset>;
  /** Whether `data check` still has to open the pictures; reading these formats opens them. */
  opensPictures: boolean;
  /** How `data convert` writes it, where it can. */
  write?(parts: readonly WrittenPart[]): WrittenFiles;
}
