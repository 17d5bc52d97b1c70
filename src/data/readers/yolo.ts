/** YOLO sets: a label file per picture, class names in `data.yaml` or `classes.txt`, boxes as fractions of the picture's size. */
import { dirname, join } from "node:path";
import { fileWithin } from "../../files/read-file.ts";
import { checkBox } from "./box-checks.ts";
import {
  type Dataset,
  type DatasetImage,
  type DatasetLabel,
  type DatasetObject,
  isInRange,
  type Xywh,
} from "./dataset.ts";
import { namesIn, readText } from "./folders.ts";
import type { FoundSet, ReadOptions } from "./format-row.ts";
import { pictureSize } from "./picture-size.ts";
import type { Place, Problems } from "./problems.ts";
import { classList, isClassList, labelFile, labelFolders, yoloPictures } from "./yolo-layout.ts";
import { isYaml, readYoloYaml, yamlIn, yoloRoot } from "./yolo-yaml.ts";

/** Reads a set; errors are added to `problems`. A line with more numbers is a polygon. Pictures outside the range `shown` are left out. */
export async function readYolo(set: FoundSet, { problems, images: said, shown }: ReadOptions): Promise<Dataset> {
  const root = yoloRoot(set.path);
  const labels = readNames(set.path, root, problems);
  const { folder, names } = yoloPictures(set, said);
  const images: DatasetImage[] = [];
  const texts = new Set<string>();
  for (const [place, name] of names.entries()) {
    const file = allowed(() => labelFile(root, folder, name), name, problems);
    if (file) texts.add(file);
    if (shown && !isInRange(place, shown)) continue;
    const path = allowed(() => fileWithin(folder, name), name, problems);
    if (path === undefined) continue;
    const size = await pictureSize(path);
    if (!size) {
      problems.error(
        { file: path },
        "cannot be read as a picture, but YOLO's boxes are fractions of its size; replace or remove it",
      );
      continue;
    }
    const id = name.replace(/\.[^.]*$/, "");
    const image: DatasetImage = { id, file: name, ...size, objects: [], captions: [] };
    images.push(image);
    if (file) readLines(file, image, { labels: labels.length, problems });
  }
  reportLabelsWithoutPicture({ root, folder, names }, texts, problems);
  return { labels, images };
}

/** The path for a name; a name outside its folder is reported, and has no path. */
function allowed(find: () => string | undefined, name: string, problems: Problems): string | undefined {
  try {
    return find();
  } catch (error) {
    problems.caught(error, name);
    return undefined;
  }
}

/** Label files without a picture, in the label folders of the picture folders. */
function reportLabelsWithoutPicture(
  { root, folder, names }: { root: string; folder: string; names: readonly string[] },
  read: ReadonlySet<string>,
  problems: Problems,
): void {
  const used = new Set([...read].map((file) => dirname(file)));
  const within = new Set([".", ...names.map((name) => dirname(name))]);
  const folders = labelFolders(root, folder).flatMap((labels) => [...within].map((deeper) => join(labels, deeper)));
  // Folders of pictures may contain any other text files.
  const own = new Set(folders.filter((one) => used.has(one) || /(^|[\\/])labels([\\/]|$)/.test(one)));
  for (const texts of own) {
    for (const name of namesIn(
      texts,
      (file) => file.endsWith(".txt") && !isClassList(file) && !/^readme/i.test(file),
    )) {
      const file = join(texts, name);
      if (!read.has(file)) problems.error({ file }, "there is no picture with this name");
    }
  }
}

function readLines(
  file: string,
  image: DatasetImage,
  { labels, problems }: { labels: number; problems: Problems },
): void {
  for (const [index, text] of readText(file).split(/\r?\n/).entries()) {
    if (text.trim() === "") continue;
    const place = { file, line: index + 1 };
    const [label = Number.NaN, ...shares] = text.trim().split(/\s+/).map(Number);
    if (!(Number.isInteger(label) && label >= 0 && label < labels)) {
      problems.error(place, `${text.split(" ")[0]} is not one of the ${labels} classes, numbered from 0`);
    } else if (
      shares.some((share) => !Number.isFinite(share)) ||
      (shares.length !== 4 && (shares.length < 6 || shares.length % 2))
    ) {
      problems.error(
        place,
        "must be a class and centre x, centre y, width, height, or a class and the corners of a polygon",
      );
    } else image.objects.push({ label, ...readShares(shares, image, { problems, place }) });
  }
}

function readShares(
  shares: readonly number[],
  image: DatasetImage,
  context: { problems: Problems; place: Place },
): Omit<DatasetObject, "label"> {
  const { width, height } = image;
  if (shares.some((share) => share > 1.01)) {
    context.problems.warn(
      context.place,
      "a coordinate is above 1; divide pixels by the width or height of the picture",
    );
  }
  if (shares.length === 4) {
    const [x, y, w, h] = shares as Xywh;
    const xywh: Xywh = [(x - w / 2) * width, (y - h / 2) * height, w * width, h * height];
    checkBox(xywh, image, context);
    return { xywh, area: xywh[2] * xywh[3], isCrowd: false };
  }
  const corners = shares.map((share, place) => share * (place % 2 ? height : width));
  const xywh = boxAround(corners);
  checkBox(xywh, image, context);
  return { xywh, area: polygonArea(corners), isCrowd: false, segmentation: [corners] };
}

/** The box around corners x, y, x, y, …. */
function boxAround(corners: readonly number[]): Xywh {
  const [low, high] = [
    [Infinity, Infinity],
    [-Infinity, -Infinity],
  ] as [Xy, Xy];
  for (const [place, value] of corners.entries()) {
    const side = (place % 2) as 0 | 1;
    low[side] = Math.min(low[side], value);
    high[side] = Math.max(high[side], value);
  }
  return [low[0], low[1], high[0] - low[0], high[1] - low[1]];
}

type Xy = [x: number, y: number];

function polygonArea(corners: readonly number[]): number {
  let twice = 0;
  for (let i = 0; i < corners.length; i += 2) {
    const next = (i + 2) % corners.length;
    twice += corners[i]! * corners[next + 1]! - corners[next]! * corners[i + 1]!;
  }
  return Math.abs(twice) / 2;
}

/** Class names from a data.yaml, in the folder or above it (the folder may be a split's folder), or from `classes.txt`, one per line. */
function readNames(path: string, root: string, problems: Problems): DatasetLabel[] {
  const list = classList(root);
  const yaml = isYaml(path) ? path : (yamlIn(root) ?? (list ? undefined : yamlIn(join(root, ".."))));
  const file = yaml ?? list;
  if (!file) {
    problems.error({ file: root }, "there are no class names; add data.yaml or classes.txt");
    return [];
  }
  if (yaml) {
    const { names, missing } = readYoloYaml(yaml);
    for (const split of missing)
      problems.warn({ file: yaml }, `${split} does not exist or is outside the dataset's folder`);
    return labelled(names, file, problems);
  }
  const names = readText(file)
    .split(/\r?\n/)
    .map((line) => line.trim());
  return labelled(
    names.filter((line) => line !== ""),
    file,
    problems,
  );
}

function labelled(names: readonly string[], file: string, problems: Problems): DatasetLabel[] {
  if (names.length === 0) problems.error({ file }, "there are no class names");
  return names.map((name, id) => ({ id, name }));
}
