/**
 * Compares float16 and 8-bit weights with float32: difference of outputs and detections of a GLIP, and speed, prompt by prompt.
 *
 *     node --import tsx bench/glip-precision.ts MODEL PICTURE...      environment: THREADS (default 2)
 */
import { decodePicture } from "../src/inputs/pictures/picture.ts";
import { prepareImage } from "../src/inputs/pictures/prepare-image.ts";
import { glipPictures } from "../src/models/parts/glip-pictures.ts";
import type { Detection } from "../src/tasks/finding/detection.ts";
import { loadModel } from "../src/tasks/finding/load-model.ts";

const [path, ...pictures] = process.argv.slice(2);
if (!path || pictures.length === 0)
  throw new Error("usage: node --import tsx bench/glip-precision.ts MODEL PICTURE...");
const threads = Number(process.env["THREADS"] ?? 2);
const size = { short: 480, max: 800 };
const classes = ["person", "dog", "cat", "apple", "chair", "traffic light", "red car", "tree"];
const variants = { float32: {}, float16: { precision: "float16" }, int8: { weightBits: 8 } } as const;
type Variant = keyof typeof variants;

interface Answer {
  seconds: number;
  logits: Float32Array;
  detections: Detection[];
}
const answers = new Map<Variant, Answer[]>();
for (const name of Object.keys(variants) as Variant[]) {
  const model = await loadModel(path, { threads, ...variants[name] });
  const found: Answer[] = [];
  await model.detect(pictures[0]!, ["warm"], { size });
  for (const picture of pictures) {
    const start = performance.now();
    const detections = await model.detect(picture, classes, { size, threshold: 0 });
    const seconds = (performance.now() - start) / 1000;
    const features = await model.predictor.image(prepareImage(await decodePicture(picture), { ...glipPictures, size }));
    const ids = Int32Array.of(101, 2711, 1012, 3899, 1012, 4937, 1012, 6207, 102);
    const levels = await model.predictor.answer(features, await model.predictor.text(ids));
    found.push({ seconds, detections, logits: levels[0]!.logits });
  }
  await model.dispose();
  answers.set(name, found);
}

const exact = answers.get("float32")!;
const sum = (numbers: readonly number[]) => numbers.reduce((total, value) => total + value, 0);
for (const name of ["float16", "int8"] as const) {
  const found = answers.get(name)!;
  const off = found.map(({ logits }, i) => deviation(logits, exact[i]!.logits));
  const pairs = found.flatMap(({ detections }, i) => matched(exact[i]!.detections, detections));
  const all = sum(exact.map(({ detections }) => detections.length));
  const most = Math.max(...pairs.map(([a, b]) => Math.abs(a.score - b.score)));
  const seconds = sum(found.map((one) => one.seconds)) / sum(exact.map((one) => one.seconds));
  console.log(
    `${name}: logits off by ${(100 * Math.max(...off)).toFixed(2)} % of their deviation (root mean square, worst picture); ` +
      `${pairs.length} of ${all} detections found again, scores within ${most.toFixed(4)}; ${seconds.toFixed(2)} times float32's time`,
  );
}

function deviation(ours: Float32Array, theirs: Float32Array): number {
  const mean = theirs.reduce((total, value) => total + value, 0) / theirs.length;
  const spread = theirs.reduce((total, value) => total + (value - mean) ** 2, 0);
  return Math.sqrt(ours.reduce((total, value, i) => total + (value - theirs[i]!) ** 2, 0) / spread);
}

/** The number of pairs with the same label whose boxes overlap by more than 0.9. */
function matched(expected: readonly Detection[], found: readonly Detection[]): [Detection, Detection][] {
  const left = new Set(found);
  return expected.flatMap((one): [Detection, Detection][] => {
    const twin = [...left].find((other) => other.label === one.label && overlap(one, other) > 0.9);
    if (!twin) return [];
    left.delete(twin);
    return [[one, twin]];
  });
}

function overlap({ box: a }: Detection, { box: b }: Detection): number {
  const area = (box: typeof a) => (box.xmax - box.xmin) * (box.ymax - box.ymin);
  const width = Math.min(a.xmax, b.xmax) - Math.max(a.xmin, b.xmin);
  const height = Math.min(a.ymax, b.ymax) - Math.max(a.ymin, b.ymin);
  const both = Math.max(0, width) * Math.max(0, height);
  return both / (area(a) + area(b) - both);
}
