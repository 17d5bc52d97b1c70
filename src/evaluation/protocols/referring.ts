/** Files of referring expressions (RefCOCO, RefCOCO+, RefCOCOg) and of PhraseCut. Models are not run. */

import { readPhraseCutPredictions, readPhraseCutTasks } from "../../data/readers/phrase-cut-files.ts";
import { readExpressionPredictions, readExpressions } from "../../data/readers/referring-files.ts";
import { evaluatePhraseCut, type PhraseCutScores } from "../../metrics/phrase-cut.ts";
import { evaluateReferring, REFERRING_RANKS } from "../../metrics/referring.ts";
import { onlyFiles } from "./only-files.ts";
import type { ProtocolRow, Scored, ScoreRequest } from "./protocol-row.ts";

/** Accuracy by an overlap of one half and the mean overlap of the best box; a row per dataset with MDETR's precision at 1, 5 and 10. */
export const refcoco: ProtocolRow = {
  detections: "boxes.json",
  plan: async () => onlyFiles("refcoco", "boxes"),
  score: async ({ groundTruth, detections }: ScoreRequest): Promise<Scored> => {
    const found = evaluateReferring(readExpressions(groundTruth), readExpressionPredictions(detections));
    const overlaps = found.expressions.map(({ iou }) => iou[0]!);
    const meanIoU = overlaps.reduce((sum, overlap) => sum + overlap, 0) / overlaps.length;
    const { accuracyPlainIoU: accuracy, accuracyInclusive } = found;
    return {
      metrics: { accuracy, accuracyInclusive, meanIoU },
      rows: Object.entries(found.precision).map(([name, shares]) => ({
        name,
        metrics: Object.fromEntries(REFERRING_RANKS.map((rank, i) => [`P@${rank}`, shares[i]!])),
      })),
    };
  },
};

/** Mean and cumulative overlap of masks, and precision at three overlaps; a row per subset. */
export const phrasecut: ProtocolRow = {
  detections: "masks.json",
  plan: async () => onlyFiles("phrasecut", "masks"),
  score: async ({ groundTruth, detections }: ScoreRequest): Promise<Scored> => {
    const { tasks, sizes } = readPhraseCutTasks(groundTruth);
    const found = evaluatePhraseCut(tasks, readPhraseCutPredictions(detections, sizes));
    const rows = Object.entries(found.subsets).map(([name, scores]) => ({ name, metrics: flat(scores) }));
    const all = rows.find(({ name }) => name === "all")?.metrics ?? {};
    return { metrics: { ...all, mean_mask_iou_missing_as_0: found.meanMaskIoUWithMissingAsZero }, rows };
  },
};

function flat({ mean_mask_iou, cum_mask_iou, mean_box_iou, pred_mask_acc }: PhraseCutScores): Record<string, number> {
  const above = Object.entries(pred_mask_acc).map(([least, share]) => [`mask_acc@${least}`, share] as const);
  return { mean_mask_iou, cum_mask_iou, mean_box_iou, ...Object.fromEntries(above) };
}
