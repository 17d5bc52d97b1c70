/** Files of answers (VQA v2) and of captions (COCO). Models are not run: none with these heads is published. */

import { readCaptionReferences, readCaptionResults } from "../../data/readers/caption-files.ts";
import { readVqaAnnotations, readVqaAnswers } from "../../data/readers/vqa-files.ts";
import { evaluateCaptions } from "../../metrics/captions/evaluate-captions.ts";
import { evaluateVqa } from "../../metrics/vqa.ts";
import { onlyFiles } from "./only-files.ts";
import type { ProtocolRow, Scored, ScoreRequest } from "./protocol-row.ts";

/** Accuracy in per cent, overall and per type of answer; a row per type of question. */
export const vqa: ProtocolRow = {
  detections: "answers.json",
  plan: async () => onlyFiles("vqa", "answers"),
  score: async ({ groundTruth, detections }: ScoreRequest): Promise<Scored> => {
    const found = evaluateVqa(readVqaAnnotations(groundTruth), readVqaAnswers(detections));
    return {
      metrics: { accuracy: found.overall, ...found.perAnswerType },
      rows: Object.entries(found.perQuestionType).map(([name, accuracy]) => ({ name, metrics: { accuracy } })),
    };
  },
};

/** BLEU-1 to BLEU-4, ROUGE-L and CIDEr (CIDEr-D, as the caption tools call it). */
export const captions: ProtocolRow = {
  detections: "captions.json",
  plan: async () => onlyFiles("captions", "captions"),
  score: async ({ groundTruth, detections }: ScoreRequest): Promise<Scored> => {
    const { images, references } = readCaptionReferences(groundTruth);
    const { Bleu, ROUGE_L, CIDEr } = evaluateCaptions(images, references, readCaptionResults(detections));
    const bleu = Object.fromEntries(Bleu.map((score, i) => [`Bleu_${i + 1}`, score]));
    return { metrics: { ...bleu, ROUGE_L, CIDEr }, rows: [] };
  },
};
