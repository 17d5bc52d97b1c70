/** What is seen, in the forms of other programs. */

import type { Found } from "./model-worker.ts";

export interface Seen {
  name: string;
  width: number;
  height: number;
  found: readonly Found[];
}

export interface ExportedFile {
  name: string;
  type: string;
  text: string;
}

/** Forms by their names in the menu. */
export const forms: Readonly<Record<string, (seen: readonly Seen[]) => ExportedFile[]>> = {
  "COCO JSON": (seen) => [{ name: "coco.json", type: "application/json", text: coco(seen) }],
  YOLO: yolo,
  "Label Studio": (seen) => [{ name: "label-studio.json", type: "application/json", text: labelStudio(seen) }],
  CSV: (seen) => [{ name: "boxes.csv", type: "text/csv", text: csv(seen) }],
};

function labelsIn(seen: readonly Seen[]): string[] {
  return [...new Set(seen.flatMap(({ found }) => found.map(({ label }) => label)))];
}

function coco(seen: readonly Seen[]): string {
  const labels = labelsIn(seen);
  const images = seen.map(({ name, width, height }, i) => ({ id: i + 1, file_name: name, width, height }));
  const annotations = seen
    .flatMap(({ found }, i) =>
      found.map(({ label, score, box: { xmin, ymin, xmax, ymax } }) => ({
        image_id: i + 1,
        category_id: labels.indexOf(label) + 1,
        bbox: [xmin, ymin, xmax - xmin, ymax - ymin].map(rounded),
        area: rounded((xmax - xmin) * (ymax - ymin)),
        ...{ iscrowd: 0, score: rounded(score) },
      })),
    )
    .map((annotation, i) => ({ id: i + 1, ...annotation }));
  const categories = labels.map((name, i) => ({ id: i + 1, name }));
  return `${JSON.stringify({ images, annotations, categories }, null, 1)}\n`;
}

/** A text for each picture, and data.yaml with the names. */
function yolo(seen: readonly Seen[]): ExportedFile[] {
  const labels = labelsIn(seen);
  const type = "text/plain";
  const texts = seen.map(({ name, width, height, found }) => {
    const lines = found.map(({ label, box: { xmin, ymin, xmax, ymax } }) => {
      const sides = [
        (xmin + xmax) / 2 / width,
        (ymin + ymax) / 2 / height,
        (xmax - xmin) / width,
        (ymax - ymin) / height,
      ];
      return `${[labels.indexOf(label), ...sides.map((side) => side.toFixed(6))].join(" ")}\n`;
    });
    return { name: `${name.replace(/\.[^.]*$/, "")}.txt`, type, text: lines.join("") };
  });
  const names = labels.map((label, i) => `  ${i}: ${JSON.stringify(label)}\n`).join("");
  return [...texts, { name: "data.yaml", type, text: `names:\n${names}` }];
}

function labelStudio(seen: readonly Seen[]): string {
  const tasks = seen.map(({ name, width, height, found }) => ({
    data: { image: name },
    predictions: [
      {
        model_version: "groundling",
        result: found.map(({ label, score, box: { xmin, ymin, xmax, ymax } }) => ({
          ...{ from_name: "label", to_name: "image", type: "rectanglelabels", score: rounded(score) },
          ...{ original_width: width, original_height: height },
          value: {
            ...{ x: (100 * xmin) / width, y: (100 * ymin) / height, rotation: 0 },
            ...{ width: (100 * (xmax - xmin)) / width, height: (100 * (ymax - ymin)) / height },
            rectanglelabels: [label],
          },
        })),
      },
    ],
  }));
  return `${JSON.stringify(tasks, null, 1)}\n`;
}

function csv(seen: readonly Seen[]): string {
  const rows = seen.flatMap(({ name, found }) =>
    found.map(({ label, score, box: { xmin, ymin, xmax, ymax } }) =>
      [cell(name), cell(label), ...[score, xmin, ymin, xmax, ymax].map(rounded)].join(","),
    ),
  );
  return `${["picture,label,score,xmin,ymin,xmax,ymax", ...rows].join("\n")}\n`;
}

/** A text that a spreadsheet does not take for a formula. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}

function rounded(x: number): number {
  return Math.round(1000 * x) / 1000;
}
