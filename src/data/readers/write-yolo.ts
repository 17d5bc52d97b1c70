/** Writes datasets as YOLO sets: `images/` and `labels/`, each with a folder per split, and `data.yaml`. */
import type { Dataset } from "./dataset.ts";
import type { WrittenFiles, WrittenPart } from "./format-row.ts";
import { roleOf } from "./splits.ts";
import { stemOf, writtenNames } from "./written-names.ts";
import { yoloYamlOf } from "./yolo-yaml.ts";

/** Classes are numbered from 0 in the order of the labels; masks become boxes. `classes.txt` has the names for older tools. */
export function yoloOfParts(parts: readonly WrittenPart[]): WrittenFiles {
  const names = (parts[0]?.dataset.labels ?? []).map(({ name }) => name);
  const texts = new Map([["classes.txt", names.map((name) => `${name.replaceAll(/\s+/g, " ")}\n`).join("")]]);
  const splits: Record<string, string> = {};
  const pictures = parts.map(({ split, dataset }) => {
    const within = split === undefined ? "" : `/${split}`;
    splits[keyOf(split)] ??= `images${within}`;
    const names = writtenNames(dataset.images.map(({ file }) => file));
    const lines = linesOf(dataset);
    for (const [place, name] of names.entries()) texts.set(`labels${within}/${stemOf(name)}.txt`, lines[place]!);
    return names.map((name) => `images${within}/${name}`);
  });
  // YOLO's training needs both.
  splits.train ??= Object.values(splits)[0]!;
  splits.val ??= splits.train;
  texts.set("data.yaml", yoloYamlOf(names, splits));
  return { texts, pictures };
}

/** The name of a split in data.yaml. */
function keyOf(split: string | undefined): string {
  const role = split === undefined ? "train" : roleOf(split);
  return role === "valid" ? "val" : (role ?? split!);
}

/** The label file of each image. */
function linesOf({ labels, images }: Dataset): string[] {
  const classes = new Map(labels.map(({ id }, index) => [id, index]));
  return images.map(({ width, height, objects }) =>
    objects
      .flatMap(({ xywh: [x, y, w, h], label }) =>
        label === undefined
          ? []
          : [`${classes.get(label)} ${(x + w / 2) / width} ${(y + h / 2) / height} ${w / width} ${h / height}\n`],
      )
      .join(""),
  );
}
