import assert from "node:assert/strict";
import { test } from "node:test";
import { rasterise, rasterisePart } from "../../src/boxes/masks/polygons.ts";
import {
  compressRuns,
  expandRuns,
  maskArea,
  maskBoxXywh,
  maskOverlap,
  type RunLengths,
} from "../../src/boxes/masks/run-lengths.ts";
import { type Regions, regionOverlap } from "../../src/metrics/regions.ts";
import { goldenCopies } from "./golden.ts";

interface Overlaps<T> {
  detections: T[];
  objects: T[];
  crowd: number[];
  overlap: number[][];
}
interface MaskVectors {
  polygons: {
    name: string;
    height: number;
    width: number;
    polygons: number[][];
    partStrings: string[];
    string: string;
    counts: number[];
    area: number;
    bbox: number[];
  }[];
  bitmaps: {
    name: string;
    height: number;
    width: number;
    counts: number[];
    string: string;
    area: number;
    bbox: number[];
  }[];
  maskOverlap: Overlaps<string> & { size: [number, number] };
  boxOverlap: Overlaps<number[]>;
}

for (const { folder, read } of goldenCopies("coco-mask-1", "rle.json")) {
  const vectors = read<MaskVectors>("rle.json");
  const copy = folder.includes("fixtures") ? "committed" : "all";

  test(`polygons become the original's run lengths (${copy})`, () => {
    for (const { name, height, width, polygons, ...expected } of vectors.polygons) {
      const mask = rasterise(polygons, height, width);
      const parts = polygons.map((part) => compressRuns(rasterisePart(part, height, width).counts));
      assert.deepEqual(parts, expected.partStrings, name);
      assert.equal(compressRuns(mask.counts), expected.string, name);
      assert.deepEqual([...mask.counts], expected.counts, name);
      assert.equal(maskArea(mask), expected.area, name);
      assert.deepEqual(maskBoxXywh(mask), expected.bbox, name);
    }
  });

  test(`run lengths and their compressed form are converted both ways (${copy})`, () => {
    for (const { name, height, width, counts, string, area, bbox } of vectors.bitmaps) {
      const mask: RunLengths = { height, width, counts: Uint32Array.from(counts) };
      assert.equal(compressRuns(mask.counts), string, name);
      assert.deepEqual([...expandRuns(string)], counts, name);
      assert.equal(maskArea(mask), area, name);
      assert.deepEqual(maskBoxXywh(mask), bbox, name);
    }
  });

  test(`masks and boxes have the original's overlaps, crowds relative to the detection's area (${copy})`, () => {
    const [height, width] = vectors.maskOverlap.size;
    const masks = (texts: string[]): Regions => {
      const list = texts.map((text) => ({ height, width, counts: expandRuns(text) }));
      return { masks: list, xywh: Float64Array.from(list.flatMap(maskBoxXywh)) };
    };
    const boxes = (rows: number[][]): Regions => ({ masks: [], xywh: Float64Array.from(rows.flat()) });
    const table = (detections: Regions, objects: Regions, crowd: number[], type: "bbox" | "segm") => {
      const overlap = regionOverlap(detections, objects, Uint8Array.from(crowd), type);
      return Array.from({ length: detections.xywh.length / 4 }, (_, d) => crowd.map((_, g) => overlap(d, g)));
    };
    const { maskOverlap: m, boxOverlap: b } = vectors;
    assert.deepEqual(table(masks(m.detections), masks(m.objects), m.crowd, "segm"), m.overlap);
    assert.deepEqual(table(boxes(b.detections), boxes(b.objects), b.crowd, "bbox"), b.overlap);
  });
}

test("masks of different sizes have an overlap of −1", () => {
  const mask = (height: number): RunLengths => ({ height, width: 2, counts: Uint32Array.of(0, 2 * height) });
  assert.equal(maskOverlap(mask(2), mask(3), false), -1);
});
