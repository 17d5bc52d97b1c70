import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { overlapInclusive } from "../../boxes/overlap.ts";
import { decodePicture } from "../../inputs/pictures/picture.ts";
import { resizedSize } from "../../inputs/pictures/prepare-image.ts";
import { type Picture, resizeBilinear } from "../../inputs/pictures/resize.ts";
import { runtime } from "../../onnx/index.ts";
import { loadModel } from "../../tasks/finding/load-model.ts";
import { readModel } from "../../tasks/finding/model-folder.ts";
import { exportDetector } from "./export-detector.ts";

const folder = mkdtempSync(join(tmpdir(), "export-"));
after(() => rmSync(folder, { recursive: true }));

interface Found {
  name: string;
  score: number;
  box: [number, number, number, number];
}
const { exp, log, max, min, sqrt } = Math;
const sigmoid = (x: number) => 1 / (1 + exp(-x));
const CLASSES = ["cat", "cup", "castle"];
const PHOTO = "examples/photos/cat.jpg";

test("the exported model and its companion, used as in the note, give the model's detections in a photo", async () => {
  const stored = await readModel();
  const picture = await decodePicture(PHOTO);
  const resized = resizedSize(picture, stored.preparation.size);
  const padded = { height: 32 * Math.ceil(resized.height / 32), width: 32 * Math.ceil(resized.width / 32) };
  const path = join(folder, "m.onnx");
  const written = await exportDetector(stored, { ...padded, classes: CLASSES, path });
  assert.deepEqual(written, { model: path, note: `${path}.json`, companion: join(folder, "m.companion.onnx") });
  const note = JSON.parse(readFileSync(written.note, "utf8"));
  assert.deepEqual(note.image.size, {
    shortest_edge: stored.preparation.size.short,
    longest_edge: stored.preparation.size.max,
  });

  const own = await ownAnswers(path, note, { picture, resized });
  const photos = await companionAnswers(written.companion!, note, { picture, resized });
  const all = best(suppressed([...own, ...photos], note.selection.suppression), note.selection.limit);
  const ratio = { x: picture.width / resized.width, y: picture.height / resized.height };
  const model = await loadModel();
  const expected = await model.detect(PHOTO, CLASSES, { threshold: 0.1 });
  await model.dispose();
  const found = all.filter(({ score }) => score >= 0.1);
  assert.ok(expected[0]!.label === "cat" && expected[0]!.score > 0.85);
  assert.deepEqual(
    found.map(({ name }) => name),
    expected.map(({ label }) => label),
  );
  found.forEach(({ score, box }, k) => {
    assert.ok(Math.abs(score - expected[k]!.score) < 1e-4, `${score}, expected ${expected[k]!.score}`);
    const { xmin, ymin, xmax, ymax } = expected[k]!.box;
    [xmin, ymin, xmax, ymax].forEach((side, i) => {
      assert.ok(Math.abs(box[i]! * (i % 2 ? ratio.y : ratio.x) - side) < 0.05);
    });
  });
});

test("names that the companion does not know are exported without it", async () => {
  const stored = await readModel();
  const path = join(folder, "alone.onnx");
  const written = await exportDetector(stored, { height: 32, width: 32, classes: ["castle"], path });
  assert.equal(written.companion, undefined);
  assert.equal(JSON.parse(readFileSync(written.note, "utf8")).companion, undefined);
});

interface Note {
  image: { shape: number[]; order: string; mean: number[]; std: number[] };
  anchors: { levels: { stride: number; rows: number; columns: number }[] };
  selection: { threshold: number; perLevel: number; suppression: number; limit: number };
  classes: { name: string; tokens: number[] }[];
  companion: {
    image: { shape: number[] };
    anchors: { corners: number[] };
    centerness: number;
    classes: { name: string; column: number }[];
  };
}
interface Given {
  picture: Picture;
  resized: { width: number; height: number };
}

/** What the model itself finds, by the note. */
async function ownAnswers(path: string, note: Note, { picture, resized }: Given): Promise<Found[]> {
  const [, , height, width] = note.image.shape as [number, number, number, number];
  const image = prepared(resizeBilinear(picture, resized), note, { height, width });
  const { logits, offsets, centerness } = await run(path, "image", image, note.image.shape);
  const tokens = logits!.length / centerness!.length;
  let at = 0;
  const found = note.anchors.levels.map(({ stride, rows, columns }) => {
    const level: Found[] = [];
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++, at++) {
        const middle = (place: number) => place * stride + (stride - 1) / 2;
        const side = (k: number) => offsets![4 * at + k]!;
        const anchor = { x: middle(column), y: middle(row), width: 8 * stride, height: 8 * stride };
        const box = decoded(anchor, [side(0), side(1), side(2), side(3)], resized);
        for (const one of note.classes) {
          const sum = one.tokens.reduce((all, token) => all + sigmoid(logits![at * tokens + token]!), 0);
          const match = sum / one.tokens.length;
          if (match > note.selection.threshold)
            level.push({ name: one.name, score: sqrt(match * sigmoid(centerness![at]!)), box });
        }
      }
    return best(level, note.selection.perLevel);
  });
  return best(suppressed(found.flat(), note.selection.suppression), note.selection.limit);
}

/** What the companion finds, by the note. */
async function companionAnswers(path: string, note: Note, { picture, resized }: Given): Promise<Found[]> {
  const { image, anchors, centerness, classes } = note.companion;
  const [, , height, width] = image.shape as [number, number, number, number];
  const square = prepared(resizeBilinear(picture, { width, height }), note, { height, width });
  const { logits, offsets } = await run(path, "square", square, image.shape);
  const count = anchors.corners.length / 4;
  const columns = logits!.length / count;
  const found: Found[] = [];
  for (let at = 0; at < count; at++) {
    const [left, top, right, bottom] = anchors.corners.slice(4 * at, 4 * at + 4) as [number, number, number, number];
    const low = { x: left * resized.width, y: top * resized.height };
    const high = { x: right * resized.width - 1, y: bottom * resized.height - 1 };
    const anchor = {
      x: (low.x + high.x) / 2,
      y: (low.y + high.y) / 2,
      width: high.x - low.x + 1,
      height: high.y - low.y + 1,
    };
    const side = (k: number) => offsets![k * count + at]!;
    const box = decoded(anchor, [side(0), side(1), side(2), side(3)], resized);
    for (const { name, column } of classes) {
      const match = sigmoid(logits![at * columns + column]!);
      if (match > note.selection.threshold) found.push({ name, score: sqrt(match * sigmoid(centerness)), box });
    }
  }
  const kept = best(found, note.selection.perLevel);
  return best(suppressed(kept, note.selection.suppression), note.selection.limit);
}

function prepared({ data, width, height }: Picture, { image }: Note, padded: { width: number; height: number }) {
  assert.equal(image.order, "BGR");
  const tensor = new Float32Array(3 * padded.width * padded.height);
  for (let channel = 0; channel < 3; channel++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        tensor[(channel * padded.height + y) * padded.width + x] =
          (data[3 * (y * width + x) + 2 - channel]! - image.mean[channel]!) / image.std[channel]!;
  return tensor;
}

async function run(path: string, name: string, data: Float32Array, shape: number[]) {
  const { InferenceSession, Tensor } = await runtime();
  const session = await InferenceSession.create(path);
  const found = await session.run({ [name]: new Tensor("float32", data, shape) });
  await session.release();
  return Object.fromEntries(Object.entries(found).map(([key, tensor]) => [key, tensor.data as Float32Array]));
}

function decoded(
  anchor: { x: number; y: number; width: number; height: number },
  [dx, dy, dw, dh]: readonly [number, number, number, number],
  { width, height }: Given["resized"],
): Found["box"] {
  const along = (middle: number, side: number, shift: number, growth: number, most: number) => {
    const centre = middle + (shift / 10) * side;
    const half = (exp(min(growth / 5, log(1000 / 16))) * side - 1) / 2;
    return [centre - half, centre + half].map((corner) => min(max(corner, 0), most - 1));
  };
  const [left, right] = along(anchor.x, anchor.width, dx, dw, width);
  const [top, bottom] = along(anchor.y, anchor.height, dy, dh, height);
  return [left!, top!, right!, bottom!];
}

function best(found: Found[], most: number): Found[] {
  return found.toSorted((a, b) => b.score - a.score).slice(0, most);
}

function suppressed(found: Found[], overlap: number): Found[] {
  const kept: Found[] = [];
  for (const one of best(found, Infinity)) {
    const hidden = kept.some(
      (better) =>
        better.name === one.name &&
        overlapInclusive(Float32Array.from(better.box), 0, Float32Array.from(one.box), 0) > overlap,
    );
    if (!hidden) kept.push(one);
  }
  return kept;
}
