/** Pascal VOC folders: `Annotations/*.xml`, pictures in `JPEGImages/`, labels by name. Corners are counted from 1, ends included. */
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { checkBox } from "./box-checks.ts";
import { type Dataset, type DatasetImage, type DatasetLabel, type Xywh, xyxyOfXywh } from "./dataset.ts";
import { firstExisting, namesIn, readText } from "./folders.ts";
import type { Problems } from "./problems.ts";
import { childrenOf, numberIn, parseXml, type XmlElement } from "./xml.ts";

/** Reads a folder; what is wrong goes to `problems`. Labels are numbered from 1 by name; objects marked difficult count as crowds. */
export function readVoc(folder: string, problems: Problems): Dataset {
  const annotations = join(folder, "Annotations");
  const read: { image: DatasetImage; names: string[] }[] = [];
  for (const name of namesIn(annotations, (file) => file.endsWith(".xml"))) {
    const file = join(annotations, name);
    try {
      read.push(readImage(parseXml(readText(file), file), { file, problems, id: name.slice(0, -4) }));
    } catch (error) {
      problems.caught(error, file);
    }
  }
  const names = [...new Set(read.flatMap((image) => image.names))].sort();
  const labels: DatasetLabel[] = names.map((name, index) => ({ id: index + 1, name }));
  const ids = new Map(labels.map(({ id, name }) => [name, id]));
  for (const { image, names } of read) {
    image.objects.forEach((object, place) => {
      object.label = ids.get(names[place]!)!;
    });
  }
  const pictures = firstExisting(folder, ["JPEGImages", "images"]) ?? folder;
  const prefix = pictures === folder ? "" : `${pictures.slice(folder.length + 1)}/`;
  return { labels, images: read.map(({ image }) => ({ ...image, file: prefix + image.file })) };
}

function readImage(
  root: XmlElement,
  { file, problems, id }: { file: string; problems: Problems; id: string },
): { image: DatasetImage; names: string[] } {
  const size = childrenOf(root, "size")[0];
  if (!size) throw new InputError(`${file}:${root.line}: there is no <size>`);
  const image: DatasetImage = {
    id,
    file: childrenOf(root, "filename")[0]?.text.trim() || `${id}.jpg`,
    width: numberIn(size, "width", file),
    height: numberIn(size, "height", file),
    objects: [],
    captions: [],
  };
  const names: string[] = [];
  for (const object of childrenOf(root, "object")) {
    const place = { file, line: object.line };
    const name = childrenOf(object, "name")[0]?.text.trim();
    const box = childrenOf(object, "bndbox")[0];
    if (!name || !box) {
      problems.error(place, "an object needs <name> and <bndbox>");
      continue;
    }
    try {
      const [left, top, right, bottom] = ["xmin", "ymin", "xmax", "ymax"].map((side) => numberIn(box, side, file));
      const xywh: Xywh = [left! - 1, top! - 1, right! - left! + 1, bottom! - top! + 1];
      checkBox(xywh, image, { problems, place });
      const isCrowd = childrenOf(object, "difficult")[0]?.text.trim() === "1";
      image.objects.push({ xywh, area: xywh[2] * xywh[3], isCrowd });
      names.push(name);
    } catch (error) {
      problems.caught(error, file);
    }
  }
  return { image, names };
}

/** A dataset's XML files by path under the folder. */
export function vocOfDataset(dataset: Dataset): Map<string, string> {
  const names = new Map(dataset.labels.map(({ id, name }) => [id, name]));
  const files = new Map<string, string>();
  for (const image of dataset.images) {
    const picture = image.file.split("/").at(-1)!;
    const objects = image.objects.flatMap(({ xywh, label, isCrowd }) => {
      if (label === undefined) return [];
      const [left, top, right, bottom] = xyxyOfXywh(xywh);
      const sides = { xmin: left + 1, ymin: top + 1, xmax: right, ymax: bottom };
      const box = Object.entries(sides).map(([side, value]) => `      <${side}>${value}</${side}>\n`);
      return [
        `  <object>\n    <name>${escapeXml(names.get(label)!)}</name>\n    <difficult>${isCrowd ? 1 : 0}</difficult>\n` +
          `    <bndbox>\n${box.join("")}    </bndbox>\n  </object>\n`,
      ];
    });
    files.set(
      `Annotations/${picture.replace(/\.[^.]*$/, "")}.xml`,
      `<annotation>\n  <filename>${escapeXml(picture)}</filename>\n  <size>\n    <width>${image.width}</width>\n` +
        `    <height>${image.height}</height>\n    <depth>3</depth>\n  </size>\n${objects.join("")}</annotation>\n`,
    );
  }
  return files;
}

function escapeXml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
