/** YOLO folders: a text file per picture under `labels/`, names in `data.yaml` or `classes.txt`, boxes as shares of the picture. */
import { basename, extname, join } from "node:path";
import { fileWithin } from "../../files/read-file.ts";
import { checkBox } from "./box-checks.ts";
import type { Dataset, DatasetImage, DatasetLabel, DatasetObject, Xywh } from "./dataset.ts";
import { firstExisting, isPictureName, namesIn, readText } from "./folders.ts";
import { pictureSize } from "./picture-size.ts";
import type { Place, Problems } from "./problems.ts";

/** Reads a folder; what is wrong goes to `problems`. Pictures lie in `images/` or beside the texts. A line of more numbers is a polygon. */
export async function readYolo(folder: string, problems: Problems): Promise<Dataset> {
  const labels = readNames(folder, problems);
  const texts = firstExisting(folder, ["labels"]) ?? folder;
  const pictures = firstExisting(folder, ["images"]) ?? folder;
  const prefix = pictures === folder ? "" : "images/";
  const images: DatasetImage[] = [];
  const stems = new Set<string>();
  for (const name of namesIn(pictures, isPictureName)) {
    const stem = basename(name, extname(name));
    stems.add(stem);
    const size = isWithin(pictures, name, problems) ? await pictureSize(join(pictures, name)) : null;
    if (size === null) continue;
    if (!size) {
      problems.error({ file: join(pictures, name) }, "cannot be read as a picture; boxes are shares of its size");
      continue;
    }
    const image: DatasetImage = { id: stem, file: prefix + name, ...size, objects: [], captions: [] };
    images.push(image);
    const file = firstExisting(texts, [`${stem}.txt`]);
    if (file) readLines(file, image, { labels: labels.length, problems });
  }
  for (const name of namesIn(texts, (file) => file.endsWith(".txt") && file !== "classes.txt")) {
    if (!stems.has(name.slice(0, -4))) problems.error({ file: join(texts, name) }, "there is no picture of this name");
  }
  return { labels, images };
}

function isWithin(folder: string, name: string, problems: Problems): boolean {
  try {
    return fileWithin(folder, name) !== undefined;
  } catch (error) {
    problems.error({ file: folder }, error instanceof Error ? error.message : String(error));
    return false;
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
      problems.error(place, "a line is a class and centre x, centre y, width, height, or the corners of a polygon");
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
    context.problems.warn(context.place, "a share above 1; are these pixels? YOLO divides by the size of the picture");
  }
  if (shares.length === 4) {
    const [x, y, w, h] = shares as Xywh;
    const xywh: Xywh = [(x - w / 2) * width, (y - h / 2) * height, w * width, h * height];
    checkBox(xywh, image, context);
    return { xywh, area: xywh[2] * xywh[3], isCrowd: false };
  }
  const corners = shares.map((share, place) => share * (place % 2 ? height : width));
  const xs = corners.filter((_, place) => place % 2 === 0);
  const ys = corners.filter((_, place) => place % 2 === 1);
  const least = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b), Infinity);
  const most = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), -Infinity);
  const [left, top] = [least(xs), least(ys)];
  const xywh: Xywh = [left, top, most(xs) - left, most(ys) - top];
  checkBox(xywh, image, context);
  let twice = 0;
  xs.forEach((x, i) => {
    const next = (i + 1) % xs.length;
    twice += x * ys[next]! - xs[next]! * ys[i]!;
  });
  return { xywh, area: Math.abs(twice) / 2, isCrowd: false, segmentation: [corners] };
}

/** Class names from `classes.txt`, one a line, or from the `names` of `data.yaml`. */
function readNames(folder: string, problems: Problems): DatasetLabel[] {
  const list = firstExisting(folder, ["classes.txt", "labels/classes.txt"]);
  const yaml = firstExisting(folder, ["data.yaml", "data.yml", "dataset.yaml"]);
  const file = list ?? yaml;
  if (!file) {
    problems.error({ file: folder }, "there is neither classes.txt nor data.yaml; class names come from one of them");
    return [];
  }
  const text = readText(file);
  const names = list ? text.split(/\r?\n/).filter((line) => line.trim() !== "") : namesOfYaml(text);
  if (names.length === 0) problems.error({ file }, "there are no class names");
  return names.map((name, id) => ({ id, name: name.trim() }));
}

/** The `names` of YOLO's YAML: `[a, b]`, a dashed list, or `0: a` pairs. */
function namesOfYaml(text: string): string[] {
  const start = /^names:[ \t]*(.*)$/m.exec(text);
  if (!start) return [];
  const plain = (name: string) => name.trim().replace(/^(["'])(.*)\1$/, "$2");
  const rest = text.slice(start.index + start[0].length);
  const inline = /^\s*\[([\s\S]*?)\]/.exec(start[1] + rest);
  if (start[1]!.startsWith("[") && inline)
    return inline[1]!
      .split(",")
      .map(plain)
      .filter((name) => name !== "");
  const names: string[] = [];
  for (const line of rest.split(/\r?\n/).slice(1)) {
    const item = /^\s*(?:-|(\d+):)\s*(.+?)\s*(?:#.*)?$/.exec(line);
    if (!item) {
      if (/^\S/.test(line)) break;
      continue;
    }
    names[item[1] === undefined ? names.length : Math.min(Number(item[1]), 99999)] = plain(item[2]!);
  }
  return Array.from(names, (name, id) => name ?? `class ${id}`);
}

/** A dataset's texts by path under the folder. Classes are numbered from 0 in the order of the labels; masks become boxes. */
export function yoloOfDataset(dataset: Dataset): Map<string, string> {
  const classes = new Map(dataset.labels.map(({ id }, index) => [id, index]));
  const files = new Map([["classes.txt", dataset.labels.map(({ name }) => `${name}\n`).join("")]]);
  for (const { file, width, height, objects } of dataset.images) {
    const lines = objects.flatMap(({ xywh: [x, y, w, h], label }) =>
      label === undefined
        ? []
        : [`${classes.get(label)} ${(x + w / 2) / width} ${(y + h / 2) / height} ${w / width} ${h / height}\n`],
    );
    files.set(`labels/${basename(file, extname(file))}.txt`, lines.join(""));
  }
  return files;
}
