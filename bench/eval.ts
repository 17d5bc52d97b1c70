/**
 * Times box evaluation, as a ratio to the time that JSON.parse takes for the same detections, so that results of different machines can be
 * compared.
 *
 *     node --import tsx bench/eval.ts FOLDER     (annotations.json and detections.json in COCO's format)
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CocoDetection, CocoGroundTruth } from "../src/data/readers/coco-records.ts";
import { evaluateCoco, summarizeCoco } from "../src/metrics/coco.ts";

const folder = process.argv[2];
if (!folder) throw new Error("usage: node --import tsx bench/eval.ts FOLDER");
const groundTruth: CocoGroundTruth = JSON.parse(readFileSync(join(folder, "annotations.json"), "utf8"));
const text = readFileSync(join(folder, "detections.json"), "utf8");
const parseStart = performance.now();
const detections: CocoDetection[] = JSON.parse(text);
const parsing = performance.now() - parseStart;
const start = performance.now();
const summary = summarizeCoco(evaluateCoco(groundTruth, detections));
const evaluating = performance.now() - start;
console.log(JSON.stringify(summary, null, 2));
console.log(
  `JSON.parse ${parsing.toFixed(0)} ms, evaluation ${evaluating.toFixed(0)} ms: ${(evaluating / parsing).toFixed(2)} times; ` +
    `peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`,
);
