/** Writes datasets as Pascal VOC folders: `Annotations/`, `JPEGImages/`, and `ImageSets/Main/` if there are splits. */
import { dirname } from "node:path";
import { xmlText } from "../../files/xml-text.ts";
import { type DatasetImage, xyxyOfXywh } from "./dataset.ts";
import type { WrittenFiles, WrittenPart } from "./format-row.ts";
import { stemOf, writtenNames } from "./written-names.ts";

export function vocOfParts(parts: readonly WrittenPart[]): WrittenFiles {
  const labels = new Map((parts[0]?.dataset.labels ?? []).map(({ id, name }) => [id, name]));
  // All splits share the two folders.
  const names = writtenNames(parts.flatMap(({ dataset }) => dataset.images.map(({ file }) => file)));
  const texts = new Map<string, string>();
  let before = 0;
  const pictures = parts.map(({ split, dataset }) => {
    const own = names.slice(before, before + dataset.images.length);
    before += own.length;
    for (const [i, image] of dataset.images.entries())
      texts.set(`Annotations/${stemOf(own[i]!)}.xml`, xmlOf(image, own[i]!, labels));
    if (split !== undefined) texts.set(`ImageSets/Main/${split}.txt`, own.map((name) => `${stemOf(name)}\n`).join(""));
    return own.map((name) => `JPEGImages/${name}`);
  });
  return { texts, pictures };
}

function xmlOf({ width, height, objects }: DatasetImage, name: string, labels: ReadonlyMap<number, string>): string {
  const boxes = objects.flatMap(({ xywh, label, isCrowd }) => {
    if (label === undefined) return [];
    const [left, top, right, bottom] = xyxyOfXywh(xywh);
    const sides = { xmin: left + 1, ymin: top + 1, xmax: right, ymax: bottom };
    const box = Object.entries(sides).map(([side, value]) => `      <${side}>${value}</${side}>\n`);
    return [
      `  <object>\n    <name>${xmlText(labels.get(label)!)}</name>\n    <difficult>${isCrowd ? 1 : 0}</difficult>\n` +
        `    <bndbox>\n${box.join("")}    </bndbox>\n  </object>\n`,
    ];
  });
  const folder = dirname(name) === "." ? "" : `${dirname(name)}/`;
  return (
    `<annotation>\n  <filename>${xmlText(name.slice(folder.length))}</filename>\n  <size>\n    <width>${width}</width>\n` +
    `    <height>${height}</height>\n    <depth>3</depth>\n  </size>\n${boxes.join("")}</annotation>\n`
  );
}
