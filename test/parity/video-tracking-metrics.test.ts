import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { clear, combineClear } from "../../src/metrics/tracking/clear.ts";
import { type BoxWithId, compareFrames } from "../../src/metrics/tracking/compared-frames.ts";
import { combineHota, HOTA_OVERLAPS, hota } from "../../src/metrics/tracking/hota.ts";
import { combineIdentity, identity } from "../../src/metrics/tracking/identity.ts";
import { type MotBenchmark, type MotTruth, prepareMot } from "../../src/metrics/tracking/mot-preparation.ts";
import { allNear, near, readVideoJson, videoFile, videoFiles } from "./golden-video.ts";

type Scores = Record<string, number | number[]>;
type Families = Record<"HOTA" | "CLEAR" | "Identity" | "Count", Scores>;
interface Benchmark {
  benchmark: MotBenchmark;
  preprocessing: boolean;
  sequenceLengths: Record<string, number>;
  alphas: number[];
  preprocessed?: Record<
    string,
    {
      gtBoxesKept: number;
      gtIdsKept: number;
      predictionsKept: number;
      predictionIdsKept: number;
      predictionsRemoved: [frame: number, id: number][];
    }
  >;
  sequences: Record<string, Families>;
  combined: Families;
}

/** Rows of a text file, frame by frame. */
function frames<Row>(path: string, length: number, row: (numbers: number[]) => Row): Row[][] {
  const result = Array.from({ length }, (): Row[] => []);
  for (const line of readFileSync(path, "utf8").split("\n").filter(Boolean)) {
    const numbers = line.split(",").map(Number);
    result[numbers[0]! - 1]!.push(row(numbers));
  }
  return result;
}

const boxOf = ([, id, x, y, w, h]: number[]): BoxWithId => ({ id: id!, box: [x!, y!, x! + w!, y! + h!] });
const truthOf = (numbers: number[]): MotTruth => ({ ...boxOf(numbers), flag: numbers[6]!, class: numbers[7]! });

function wantScores(actual: object, expected: Scores, where: string): void {
  for (const [name, wanted] of Object.entries(expected)) {
    const value = (actual as Scores)[name];
    if (Array.isArray(wanted)) allNear(value as number[], wanted, 1e-9, `${where} ${name}`);
    else near(value as number, wanted, 1e-9, `${where} ${name}`);
  }
}

for (const folder of videoFiles("tracking-metrics")) {
  test(`HOTA, CLEAR and Identity of ${folder} are the printed ones`, () => {
    const golden = readVideoJson<Benchmark>("tracking-metrics", folder, "expected.json");
    allNear(HOTA_OVERLAPS, golden.alphas, 0, "overlaps");
    const all = {
      HOTA: [] as ReturnType<typeof hota>[],
      CLEAR: [] as ReturnType<typeof clear>[],
      Identity: [] as ReturnType<typeof identity>[],
    };
    for (const [name, length] of Object.entries(golden.sequenceLengths)) {
      const file = (kind: string) => videoFile("tracking-metrics", folder, kind, `${name}.txt`);
      const truth = frames(file("gt"), length, truthOf);
      const predictions = frames(file("predictions"), length, boxOf);
      const sequence = prepareMot(truth, predictions, golden.preprocessing ? golden.benchmark : "MOT15");
      const compared = compareFrames(sequence);
      const where = `${folder} ${name}`;
      const kept = golden.preprocessed?.[name];
      if (kept) {
        const removed = predictions.flatMap((boxes, frame) =>
          boxes.filter((box) => !sequence.predictions[frame]!.includes(box)).map(({ id }) => [frame + 1, id]),
        );
        assert.deepEqual(
          [compared.truthBoxes, compared.truths, compared.predictedBoxes, compared.predicted],
          [kept.gtBoxesKept, kept.gtIdsKept, kept.predictionsKept, kept.predictionIdsKept],
          where,
        );
        const inOrder = (rows: number[][]) => rows.map(String).sort();
        assert.deepEqual(inOrder(removed), inOrder(kept.predictionsRemoved), `${where}: predictions removed`);
      }
      const scores = { HOTA: hota(compared), CLEAR: clear(compared), Identity: identity(compared) };
      const Count = {
        Dets: compared.predictedBoxes,
        GT_Dets: compared.truthBoxes,
        IDs: compared.predicted,
        GT_IDs: compared.truths,
        Frames: compared.frames.length,
      };
      for (const [family, wanted] of Object.entries(golden.sequences[name]!))
        wantScores({ ...scores, Count }[family as keyof Families], wanted, `${where} ${family}`);
      all.HOTA.push(scores.HOTA);
      all.CLEAR.push(scores.CLEAR);
      all.Identity.push(scores.Identity);
    }
    wantScores(combineHota(all.HOTA), golden.combined.HOTA, `${folder} combined HOTA`);
    wantScores(combineClear(all.CLEAR), golden.combined.CLEAR, `${folder} combined CLEAR`);
    wantScores(combineIdentity(all.Identity), golden.combined.Identity, `${folder} combined Identity`);
  });
}
