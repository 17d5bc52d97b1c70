/** Everything that is wrong with a dataset, with file and line. */
import { dirname } from "node:path";
import { fileWithin } from "../../files/read-file.ts";
import type { Dataset } from "./dataset.ts";
import { firstExisting, readText } from "./folders.ts";
import { annotationFile, type Format, formatOf, readFormat } from "./formats.ts";
import { pictureSize } from "./picture-size.ts";
import { type Problem, Problems, withLines } from "./problems.ts";

export interface DatasetCheck {
  format: Format;
  problems: Problem[];
  images: number;
  objects: number;
  captions: number;
  labels: number;
}

export interface CheckOptions {
  /** How to read it; told by its looks unless said. */
  format?: Format;
  /** Folder of the pictures; `images/` beside the annotations, or their own folder, unless said. */
  pictures?: string;
  subset?: string;
}

/** Reads a dataset and opens every picture's header. A dataset that cannot be read at all is one problem. */
export async function checkDataset(path: string, options: CheckOptions = {}): Promise<DatasetCheck> {
  const problems = new Problems();
  const format = options.format ?? formatOf(path);
  let dataset: Dataset = { labels: [], images: [] };
  try {
    const subset = options.subset === undefined ? {} : { subset: options.subset };
    dataset = await readFormat(path, format, { problems, ...subset });
    if (format !== "tars") await checkPictures(dataset, pictureFolder(path, format, options.pictures), problems);
  } catch (error) {
    problems.caught(error, path);
  }
  if (dataset.images.length === 0 && problems.list.length === 0) problems.error({ file: path }, "there are no images");
  const count = (of: "objects" | "captions") => dataset.images.reduce((sum, image) => sum + image[of].length, 0);
  return {
    format,
    problems: inOrder(withLines(problems.list, readText)),
    images: dataset.images.length,
    objects: count("objects"),
    captions: count("captions"),
    labels: dataset.labels.length,
  };
}

/** File by file as they were met, line by line within each. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const files = [...new Set(problems.map(({ file }) => file))];
  return [...problems].sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || (a.line ?? 0) - (b.line ?? 0));
}

/** Where the pictures of a dataset lie. */
export function pictureFolder(path: string, format: Format, said?: string): string {
  if (said !== undefined) return said;
  if (format === "yolo" || format === "voc") return path;
  const folder = format === "flickr30k" ? path : dirname(format === "coco" ? annotationFile(path) : path);
  return firstExisting(folder, ["images", "flickr30k-images"]) ?? folder;
}

async function checkPictures(dataset: Dataset, folder: string, problems: Problems): Promise<void> {
  const missing: string[] = [];
  for (const { file, width, height } of dataset.images) {
    // An image without a name has been told of.
    if (file === "") continue;
    const picture = found(folder, file, problems);
    if (picture === null) continue;
    if (!picture) {
      missing.push(file);
      continue;
    }
    const size = await pictureSize(picture);
    if (!size) problems.error({ file: picture }, "cannot be read as a picture");
    else if (size.width !== width || size.height !== height) {
      problems.error(
        { file: picture },
        `is ${size.width} × ${size.height}, but the annotations say ${width} × ${height}; are the boxes of another copy?`,
      );
    }
  }
  if (missing.length === 0) return;
  const shown = missing.slice(0, 5).join(", ") + (missing.length > 5 ? ", …" : "");
  problems.error(
    { file: folder },
    `${missing.length} of ${dataset.images.length} pictures are missing: ${shown}; say where they are with --images`,
  );
}

/** Where a picture lies; null, with a problem told, where its name leads out of the folder or to no regular file. */
function found(folder: string, file: string, problems: Problems): string | undefined | null {
  try {
    return fileWithin(folder, file);
  } catch (error) {
    problems.error({ file: folder }, error instanceof Error ? error.message : String(error));
    return null;
  }
}
