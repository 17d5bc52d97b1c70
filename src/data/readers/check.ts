/** Finds all errors in a dataset, with file and line. */
import type { Dataset } from "./dataset.ts";
import { type DatasetChoice, type DatasetPlace, findDataset, findSets, openSet } from "./find-dataset.ts";
import { pictureIn, readText } from "./folders.ts";
import type { Format } from "./format-names.ts";
import { formatRows } from "./formats.ts";
import { pictureSize } from "./picture-size.ts";
import { type Problem, Problems, withLines } from "./problems.ts";
import { pictureAt } from "./tar-pictures.ts";

export interface DatasetCheck {
  format: Format;
  /** Undefined if the dataset has no splits. */
  split?: string;
  /** The first hundred, errors before warnings, in the order of their files and lines. */
  problems: Problem[];
  /** Total numbers of errors and warnings. */
  errors: number;
  warnings: number;
  images: number;
  objects: number;
  captions: number;
  labels: number;
}

export interface CheckOptions extends DatasetChoice {
  subset?: string;
}

/**
 * Checks a dataset without splits, or the chosen split.
 * @throws InputError if it is not a known dataset.
 */
export async function checkDataset(path: string, options: CheckOptions = {}): Promise<DatasetCheck> {
  return checkSet(findDataset(path, options), path, options);
}

/**
 * Checks all splits of a dataset, or the chosen one.
 * @throws InputError if it is not a known dataset.
 */
export async function checkSplits(path: string, options: CheckOptions = {}): Promise<DatasetCheck[]> {
  const checks: DatasetCheck[] = [];
  const sets = findSets(path, options);
  for (const { split, ...set } of sets)
    checks.push(await checkSet({ ...set, ...(split !== undefined && { split }) }, path, options, sets.length > 1));
  return checks;
}

/** Reads a set and the header of every picture. A set that cannot be read at all is one problem. */
async function checkSet(
  place: DatasetPlace,
  path: string,
  options: CheckOptions,
  isOfSeveral = false,
): Promise<DatasetCheck> {
  const { format, split } = place;
  const problems = new Problems();
  let dataset: Dataset = { labels: [], images: [] };
  try {
    const opened = await openSet(place, { ...options, problems });
    dataset = opened.dataset;
    if (formatRows[format].opensPictures) await checkPictures(dataset, opened.pictures, problems);
  } catch (error) {
    problems.caught(error, path);
  }
  if (dataset.images.length === 0 && problems.count === 0)
    problems.error({ file: path }, "there are no images; check the path");
  const count = (of: "objects" | "captions") => dataset.images.reduce((sum, image) => sum + image[of].length, 0);
  return {
    format,
    ...(isOfSeveral && split !== undefined ? { split } : {}),
    problems: listed(withLines(problems.list, readText)),
    errors: problems.errors,
    warnings: problems.warnings,
    images: dataset.images.length,
    objects: count("objects"),
    captions: count("captions"),
    labels: dataset.labels.length,
  };
}

/** Maximum number of listed problems. */
const most = 100;

function listed(problems: readonly Problem[]): Problem[] {
  const ordered = inOrder(problems);
  const of = (severity: Problem["severity"]) => ordered.filter((problem) => problem.severity === severity);
  return inOrder([...of("error"), ...of("warning")].slice(0, most));
}

/** Sorted by file, in the order in which the files were read, then by line. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const files = new Map([...new Set(problems.map(({ file }) => file))].map((file, place) => [file, place]));
  return [...problems].sort((a, b) => files.get(a.file)! - files.get(b.file)! || (a.line ?? 0) - (b.line ?? 0));
}

async function checkPictures(dataset: Dataset, folder: string, problems: Problems): Promise<void> {
  const missing: string[] = [];
  for (const { file, width, height } of dataset.images) {
    // An image without a name is already reported.
    if (file === "") continue;
    const picture = found(folder, file, problems);
    if (picture === null) continue;
    if (!picture) {
      missing.push(file);
      continue;
    }
    const size = await pictureSize(pictureAt(picture));
    if (!size) problems.error({ file: picture }, "cannot be read as a picture; replace or remove it");
    else if (size.width !== width || size.height !== height) {
      problems.error(
        { file: picture },
        `is ${size.width} × ${size.height}, but the annotations have ${width} × ${height}; check that they belong to this copy of the picture`,
      );
    }
  }
  if (missing.length === 0) return;
  const shown = missing.slice(0, 5).join(", ") + (missing.length > 5 ? ", …" : "");
  problems.error(
    { file: folder },
    `${missing.length} of ${dataset.images.length} pictures are missing: ${shown}; give their folder with --images`,
  );
}

/** The path of a picture; null, with a reported problem, if its name is outside the folder or not a regular file. */
function found(folder: string, file: string, problems: Problems): string | undefined | null {
  try {
    return pictureIn(folder, file);
  } catch (error) {
    problems.error({ file: folder }, error instanceof Error ? error.message : String(error));
    return null;
  }
}
