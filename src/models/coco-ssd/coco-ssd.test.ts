import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate } from "../../onnx/index.ts";
import { input } from "../../tensor/index.ts";
import { loadWeights } from "../../weights/fit.ts";
import { openSafetensors } from "../../weights/safetensors.ts";
import { cocoSsd, SSD_SIDE, ssdAnchors, ssdMirror, ssdPictures } from "./coco-ssd.ts";

/**
 * Outputs for person, cat and toothbrush, and for the box, by TensorFlow.js (scripts/fixtures/coco-ssd.mjs): at least one position of each
 * map.
 */
const EXPECTED = [
  { place: 0, logits: [-5.1738, -10.6902, -9.8674], offsets: [0.9068, -0.4734, -2.1391, -5.5938] },
  { place: 610, logits: [-6.0252, -9.7221, -9.4155], offsets: [0.3341, 0.2469, 1.589, -1.6171] },
  { place: 1213, logits: [-5.136, -6.0182, -8.4276], offsets: [0.4779, 1.2381, 0.9419, -1.9027] },
  { place: 1500, logits: [-6.8609, -9.3711, -9.688], offsets: [1.5228, -0.1021, -2.1388, 0.1685] },
  { place: 1900, logits: [-4.9266, -5.733, -8.692], offsets: [-2.0297, -0.8333, 2.4813, -0.4974] },
  { place: 1999, logits: [-5.8326, -6.482, -7.9085], offsets: [-1.6618, -0.8762, -1.658, -0.5001] },
  { place: 2010, logits: [-6.6505, -6.6941, -8.3403], offsets: [-1.3326, 0.9458, -0.6141, -1.0072] },
  { place: 2033, logits: [-5.9489, -4.0966, -9.1777], offsets: [-0.0016, -0.2964, 0.0576, -0.2847] },
];
/** The weights are float16 here, and the padding is the mean colour, where TensorFlow has grey. */
const TOLERANCE = 0.15;

test("the COCO-SSD of the built-in model has TensorFlow's outputs", async () => {
  const file = await openSafetensors("assets/models/everyday/companion.safetensors");
  const classes: string[][] = JSON.parse(file.metadata.get("classes")!);
  const model = cocoSsd(classes.length);
  const weights = await loadWeights(model.parameters, file);
  await file.close();
  const wave = (i: number) => Math.round(127.5 + 100 * Math.sin(0.013 * i) + 27 * Math.sin(0.00071 * i));
  const plane = SSD_SIDE * SSD_SIDE;
  const square = Float32Array.from({ length: 3 * plane }, (_, i) => {
    const channel = Math.floor(i / plane);
    return (wave(3 * (i % plane) + 2 - channel) - ssdPictures.mean[channel]!) / ssdPictures.deviation[channel]!;
  });
  const outputs = model.answer(input("square", [1, 3, SSD_SIDE, SSD_SIDE]));
  const { logits, offsets } = await evaluate({ ...outputs }, { square }, { weights });
  const places = ssdAnchors(SSD_SIDE, SSD_SIDE).length / 4;
  assert.equal(offsets.length, 4 * places);
  const wanted = ["person", "cat", "toothbrush"].map((name) => classes.findIndex((names) => names.includes(name)));
  const near = (actual: number, expected: number, what: string) =>
    assert.ok(Math.abs(actual - expected) < TOLERANCE, `${what}: ${actual}, expected ${expected}`);
  for (const { place, logits: l, offsets: o } of EXPECTED) {
    wanted.forEach((number, k) => {
      near(logits[place * classes.length + number]!, l[k]!, `logit ${k} of ${place}`);
    });
    o.forEach((value, k) => {
      near(offsets[k * places + place]!, value, `offset ${k} of ${place}`);
    });
  }
});

test("anchors have the shapes of the published graph", () => {
  const anchors = ssdAnchors(1000, 2000);
  const shape = (k: number) =>
    [0, 1].map((axis) => (anchors[4 * k + 2 + axis]! - anchors[4 * k + axis]! + 1) / [2000, 1000][axis]!);
  const first = 3 * (SSD_SIDE / 16) ** 2;
  const expected: [number, [number, number]][] = [
    [0, [0.1, 0.1]],
    [1, [0.28284, 0.14142]],
    [2, [0.14142, 0.28284]],
    [first, [0.35, 0.35]],
    [first + 3, [0.60622, 0.20207]],
    [first + 5, [0.41833, 0.41833]],
    [anchors.length / 4 - 1, [0.97468, 0.97468]],
  ];
  for (const [k, sides] of expected)
    sides.forEach((side, axis) => {
      assert.ok(Math.abs(shape(k)[axis]! - side) < 1e-4, `anchor ${k}: ${shape(k)}, expected ${sides}`);
    });
  assert.deepEqual(
    [...anchors.subarray(0, 4)].map((value) => Math.round(value)),
    [-50, -25, 149, 74],
  );
});

test("the mirror of an anchor is its mirror image", () => {
  const width = 640;
  const anchors = ssdAnchors(480, width);
  ssdMirror().forEach((opposite, k) => {
    const [left, top, right, bottom] = anchors.subarray(4 * k, 4 * k + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    const turned = [width - 1 - right, top, width - 1 - left, bottom];
    turned.forEach((side, i) => {
      assert.ok(Math.abs(anchors[4 * opposite + i]! - side) < 1e-3, `anchor ${k}`);
    });
  });
});
