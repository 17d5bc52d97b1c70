import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { changePoints, scatterOf } from "../../src/inputs/video/segments.ts";
import { type Frame, grey, hsvPlanes, luma } from "../../src/inputs/video/shots/colours.ts";
import {
  adaptiveCuts,
  adaptiveRatios,
  contentCuts,
  fadeCuts,
  filterFlashes,
  hashCuts,
  histogramCuts,
} from "../../src/inputs/video/shots/cuts.ts";
import { correlation, type FrameScores, frameScorer } from "../../src/inputs/video/shots/frame-scores.ts";
import { perceptualHash } from "../../src/inputs/video/shots/perceptual-hash.ts";
import { allNear, near, needsVideo, readVideoJson, videoFile, videoFiles } from "./golden-video.ts";

const skip = needsVideo;

test("colours are those of OpenCV to the last bit", { skip }, () => {
  interface Colours {
    hsv: { rgb: number[][]; hsv: number[][] };
    luma: { yuvY: number[]; gray: number[] };
  }
  const { hsv, luma: lumas } = readVideoJson<Colours>("shots", "units.json");
  const data = Uint8Array.from(hsv.rgb.flat());
  const { hue, saturation, value } = hsvPlanes({ data, width: hsv.rgb.length, height: 1 });
  for (const [k, wanted] of hsv.hsv.entries()) {
    assert.deepEqual([hue[k], saturation[k], value[k]], wanted, String(hsv.rgb[k]));
    const [r, g, b] = hsv.rgb[k]!;
    assert.deepEqual([luma(r!, g!, b!), grey(r!, g!, b!)], [lumas.yuvY[k], lumas.gray[k]], String(hsv.rgb[k]));
  }
});

test("flashes, peaks, fades and correlations follow the stored decisions", { skip }, () => {
  interface Units {
    flashFilter: { frames: number; minLength: number; above: number[]; merge: number[]; suppress: number[] }[];
    adaptive: {
      scores: number[];
      window: number;
      threshold: number;
      minContent: number;
      minLength: number;
      ratio: (number | null)[];
      cuts: number[];
    }[];
    fade: { means: number[]; bias: number; minLength: number; addFinal: boolean; cuts: number[] }[];
    histogramCorrelation: { a: number[]; b: number[]; correlation: number }[];
  }
  const units = readVideoJson<Units>("shots", "units.json");
  for (const { frames, minLength, above, ...wanted } of units.flashFilter) {
    const is = Array.from({ length: frames }, (_, frame) => above.includes(frame));
    for (const filter of ["merge", "suppress"] as const)
      assert.deepEqual(filterFlashes(is, minLength, filter), wanted[filter], `${filter} ${minLength} of ${above}`);
  }
  for (const [k, { scores, threshold, ratio, cuts, ...options }] of units.adaptive.entries()) {
    allNear(adaptiveRatios(scores, options), ratio, 1e-9, `adaptive ${k}`);
    assert.deepEqual(adaptiveCuts(scores, { ratio: threshold, ...options }), cuts, `adaptive ${k}`);
  }
  for (const [k, { means, addFinal, cuts, ...options }] of units.fade.entries())
    assert.deepEqual(fadeCuts(means, { final: addFinal, ...options }), cuts, `fade ${k}`);
  for (const { a, b, correlation: wanted } of units.histogramCorrelation) near(correlation(a, b), wanted, 1e-9);
});

interface Clip {
  file: string;
  width: number;
  height: number;
  frames: number;
  cuts: Record<string, number[]>;
  series: Record<string, (number | null)[]>;
  hashes: string[];
  pixelSums: number[];
}

function framesOf({ file, width, height }: Clip): Frame[] {
  const args = ["-v", "error", "-i", videoFile("shots", file), "-fps_mode", "passthrough", "-f", "rawvideo"];
  const bytes = execFileSync("ffmpeg", [...args, "-pix_fmt", "rgb24", "-"], { maxBuffer: 2 ** 30 });
  const size = 3 * width * height;
  return Array.from({ length: bytes.length / size }, (_, k) => ({
    data: new Uint8Array(bytes.buffer, bytes.byteOffset + k * size, size),
    width,
    height,
  }));
}

const column = (scores: readonly FrameScores[], name: keyof FrameScores) => scores.map((one) => one[name]);
const filled = (values: readonly (number | undefined)[]) => values.map((value) => value ?? 0);

/** Frames of a clip whose hash has many coefficients that are zero up to rounding. */
const MOST_BITS = 10;

for (const file of videoFiles("shots").filter((name) => name.endsWith(".expected.json"))) {
  test(`shots of ${file} are found where PySceneDetect finds them`, () => {
    const clip = readVideoJson<Clip>("shots", file);
    const frames = framesOf(clip);
    assert.deepEqual(
      frames.map(({ data }) => data.reduce((sum, value) => sum + value, 0)),
      clip.pixelSums,
      "decoded frames",
    );
    const scorer = frameScorer();
    const fine = frameScorer({ bins: 256, hashSize: 16 });
    const scores = frames.map((frame) => scorer(frame));
    const fineScores = frames.map((frame) => fine(frame));
    const series: Record<string, (number | undefined)[]> = {
      content: column(scores, "content"),
      deltaHue: column(scores, "deltaHue"),
      deltaSat: column(scores, "deltaSaturation"),
      deltaLum: column(scores, "deltaValue"),
      histogram: column(scores, "histogram"),
      histogram256: column(fineScores, "histogram"),
      averageRgb: column(scores, "intensity"),
      adaptiveRatio: adaptiveRatios(filled(column(scores, "content"))),
    };
    for (const [name, values] of Object.entries(series)) allNear(values, clip.series[name]!, 1e-6, name);
    allNear(column(scores, "hash"), clip.series.hashDistance!, 4 / 64, "hash distance");
    for (const [t, hex] of clip.hashes.entries()) {
      const bits = [...hex].flatMap((digit) =>
        [...Number.parseInt(digit, 16).toString(2).padStart(4, "0")].map(Number),
      );
      const wrong = perceptualHash(frames[t]!).reduce((sum, bit, k) => sum + (bit === bits[k] ? 0 : 1), 0);
      assert.ok(wrong <= MOST_BITS, `hash of frame ${t}: ${wrong} bits differ`);
    }
    const content = filled(series.content!);
    const intensity = filled(column(scores, "intensity"));
    const { histogram, histogram256 } = series;
    const [hash, hash16] = [column(scores, "hash"), column(fineScores, "hash")];
    const cuts: Record<string, () => number[]> = {
      content: () => contentCuts(content),
      contentSuppress: () => contentCuts(content, { filter: "suppress" }),
      contentMin5: () => contentCuts(content, { minLength: 5 }),
      contentNoFilter: () => contentCuts(content, { minLength: 0 }),
      contentLumaOnly: () => contentCuts(filled(series.deltaLum!)),
      content31: () => contentCuts(content, { threshold: 31 }),
      adaptive: () => adaptiveCuts(content),
      adaptiveW3R35: () => adaptiveCuts(content, { window: 3, ratio: 3.5 }),
      adaptiveMin5: () => adaptiveCuts(content, { minLength: 5 }),
      adaptiveMin0: () => adaptiveCuts(content, { minLength: 0 }),
      histogram: () => histogramCuts(histogram!),
      histogram256: () => histogramCuts(histogram256!, { threshold: 0.05 }),
      histogramMin5: () => histogramCuts(histogram!, { minLength: 5 }),
      hash: () => hashCuts(hash),
      hashMin5: () => hashCuts(hash, { minLength: 5 }),
      hash16: () => hashCuts(hash16, { threshold: 0.3 }),
      threshold: () => fadeCuts(intensity),
      thresholdEarly: () => fadeCuts(intensity, { bias: -1 }),
      thresholdLate: () => fadeCuts(intensity, { bias: 1 }),
      thresholdFinal: () => fadeCuts(intensity, { final: true }),
      thresholdCeiling: () => fadeCuts(intensity, { threshold: 200, out: "above" }),
    };
    for (const [variant, wanted] of Object.entries(clip.cuts))
      if (variant !== "contentEdges") assert.deepEqual(cuts[variant]!(), wanted, variant);
  });
}

test("segments change where the original kernel segmentation changes them", { skip }, () => {
  interface Result {
    C: number;
    minLength?: number;
    maxChanges?: number;
    costs: (number | null)[];
    changePoints: number[];
    margin?: number;
  }
  interface Kts {
    specGolden: { features: number[][]; results: Result[] };
    cases: { features: number[][]; results: Result[] }[];
    scatterOfFirstCase: Record<string, number>;
  }
  const { specGolden, cases, scatterOfFirstCase } = readVideoJson<Kts>("maths", "kts.json");
  const scatter = scatterOf(cases[0]!.features);
  for (const [range, wanted] of Object.entries(scatterOfFirstCase)) {
    const [i, j] = range.split(",").map(Number);
    near(scatter(i!, j!), wanted, 1e-9, range);
  }
  for (const [k, { features, results }] of [specGolden, ...cases].entries())
    for (const { C, minLength = 1, maxChanges, costs, margin = 1, ...wanted } of results) {
      const most = maxChanges ?? costs.length - 1;
      const own = changePoints(features, { penalty: C, minLength, maxChanges: most });
      for (const [m, cost] of costs.entries())
        near(Number.isFinite(own.costs[m]) ? own.costs[m] : null, cost, 1e-9, `case ${k} C ${C} cost ${m}`);
      if (margin > 1e-9) assert.deepEqual(own.changePoints, wanted.changePoints, `case ${k} C ${C}`);
    }
});
