import assert from "node:assert/strict";
import { test } from "node:test";
import sharp from "sharp";
import { rasterise, rasterisePart } from "../../boxes/masks/polygons.ts";
import { compressRuns, pixelsOf, type RunLengths, runLengthsOf } from "../../boxes/masks/run-lengths.ts";
import { brushRuns } from "./brush-runs.ts";
import { formats } from "./formats.ts";
import type { PictureResult } from "./picture-result.ts";
import { tableOf } from "./table.ts";

const [width, height] = [300, 200];
/** A disc and a bar, which are two parts. */
const disc = (x: number, y: number) => (x - 150) ** 2 + (y - 100) ** 2 < 60 ** 2 || y > 190;
/** A ring around the disc's middle. */
const ring = (x: number, y: number) => Math.abs(Math.hypot(x - 150, y - 100) - 40) < 10;
const drawn = (isIn: (x: number, y: number) => boolean) =>
  runLengthsOf(
    Uint8Array.from({ length: width * height }, (_, i) => (isIn(i % width, Math.floor(i / width)) ? 1 : 0)),
    height,
    width,
  );
const masks = { dog: drawn(disc), cat: drawn(ring) };
const thing = (label: "dog" | "cat", score: number) => ({
  ...{ label, score, box: { xmin: 0, ymin: 40, xmax: 300, ymax: 200 } },
  mask: { size: [height, width] as [number, number], counts: compressRuns(masks[label].counts) },
});
const picture: PictureResult = {
  ...{ image: "a.jpg", name: "a", width, height },
  detections: [thing("cat", 0.9), thing("dog", 0.6)],
};
const labels = ["dog", "cat"];

const documentOf = (name: string) => {
  const format = formats[name]!;
  assert.ok(format.kind === "document");
  return JSON.parse(format.text({ pictures: [picture], labels }));
};
const fileOf = async (name: string) => {
  const format = formats[name]!;
  assert.ok(format.kind === "folder");
  return [await format.picture(picture, labels), format.rest(labels)] as const;
};

test("coco-polygons has an outline per part, from which the mask can be drawn again", () => {
  const { annotations } = documentOf("coco-polygons");
  assert.equal(annotations[0].segmentation.length, 1);
  assert.equal(annotations[1].segmentation.length, 2);
  const again = annotations.map(({ segmentation }: { segmentation: number[][] }) =>
    rasterise(segmentation, height, width),
  );
  assert.deepEqual(again, [masks.cat, masks.dog] satisfies RunLengths[]);
  assert.equal(
    documentOf("coco").annotations[0].area,
    pixelsOf(masks.cat).reduce((a, b) => a + b, 0),
  );
});

test("yolo writes the outline of a mask as one polygon in fractions of the picture", async () => {
  const [[path, text]] = await fileOf("yolo");
  assert.equal(path, "labels/a.txt");
  const lines = (text as string).trimEnd().split("\n");
  const [cat, dog] = lines.map((line) => {
    const [label, ...shares] = line.split(" ").map(Number);
    assert.ok(shares.every((share) => share >= 0 && share <= 1));
    const pixels = shares.map((share, i) => Math.round(share * (i % 2 ? height : width)));
    return { label: labels[label!], mask: rasterisePart(pixels, height, width) };
  });
  assert.deepEqual(cat, { label: "cat", mask: masks.cat });
  assert.deepEqual(dog, { label: "dog", mask: masks.dog });
});

test("png has the number of each pixel's label, the better detection on top, and a list of the numbers' names", async () => {
  const [[path, bytes], rest] = await fileOf("png");
  assert.equal(path, "masks/a.png");
  assert.deepEqual(rest, [["classes.txt", "background\ndog\ncat\n"]]);
  const { data, info } = await sharp(bytes as Uint8Array)
    .toColourspace("b-w")
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height, info.channels], [width, height, 1]);
  const [dog, cat] = [pixelsOf(masks.dog), pixelsOf(masks.cat)];
  assert.deepEqual(
    [...data],
    Array.from(dog, (is, i) => (cat[i] ? 2 : is)),
  );
  const many = Array.from({ length: 300 }, (_, i) => `name ${i}`);
  const png = formats.png!;
  assert.ok(png.kind === "folder");
  const [, wide] = await png.picture({ ...picture, detections: [{ ...thing("dog", 1), label: "name 299" }] }, many);
  const grey = await sharp(wide as Uint8Array)
    .toColourspace("grey16")
    .raw({ depth: "ushort" })
    .toBuffer();
  assert.equal(Math.max(...new Uint16Array(grey.buffer, grey.byteOffset, grey.length / 2)), 300);
  const { mask, ...box } = thing("dog", 1);
  await assert.rejects(
    async () => png.picture({ ...picture, detections: [box] }, labels),
    /a\.jpg: --format png writes/,
  );
});

test("labelstudio has a brush stroke for each mask, in the bytes of the encoder that its editor uses", () => {
  // Made with encodeBinary of @thi.ng/rle-pack 3.2.12 from the four equal channels of these pixels.
  const small = runLengthsOf([0, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 1], 3, 5);
  assert.equal(Buffer.from(brushRuns(small)).toString("hex"), "0000003c391bfc6013ffdb00b7ff84c023ff");
  const empty = runLengthsOf(new Uint8Array(40_000), 200, 200);
  // A size of 160,000, the widths, and runs of at most 65,536 zeros.
  assert.deepEqual(brushRuns(empty).slice(0, 4), [0, 2, 113, 0]);
  const [{ predictions }] = documentOf("labelstudio");
  const { result } = predictions[0];
  assert.deepEqual(
    result.map(({ type, from_name }: Record<string, string>) => [type, from_name]),
    [
      ["rectanglelabels", "label"],
      ["brushlabels", "brush"],
      ["rectanglelabels", "label"],
      ["brushlabels", "brush"],
    ],
  );
  assert.deepEqual(result[1].value, { format: "rle", rle: brushRuns(masks.cat), brushlabels: ["cat"] });
});

test("a table says how many pixels each mask has", () => {
  const [heading, names, , cat] = tableOf(picture).split("\n");
  assert.equal(heading, "a.jpg (300 × 200)");
  assert.match(names!, /ymax {2}pixels$/);
  assert.match(cat!, new RegExp(`^cat .* ${pixelsOf(masks.cat).reduce((a, b) => a + b, 0)}$`));
});
