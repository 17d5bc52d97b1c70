/** MDETR's JSON for evaluation: each "image" is a sentence, whose phrases are in `tokens_positive_eval`. */
import type { Dataset, DatasetImage, Xywh } from "./dataset.ts";
import { readJson } from "./json.ts";
import type { Problems } from "./problems.ts";
import { isId, isNumber, isNumbers, isRecord, isSpans, listIn } from "./values.ts";

type Spans = [start: number, end: number][];
interface Annotation {
  xywh: Xywh;
  spans: Spans;
}

const mostSentences = 1000;

/**
 * The pictures with their sentences; a caption has the index of its sentence. A phrase has the boxes of the annotations whose
 * `tokens_positive` include all of its spans; phrases without a box are left out. Errors are added to `problems`.
 */
export function readMdetrPhrases(file: string, problems: Problems): Dataset {
  const json = readJson(file);
  const annotations = annotationsByImage(json, file, problems);
  const images = new Map<string, DatasetImage>();
  for (const [index, record] of listIn(json, "images", { file, problems }).entries()) {
    const at = (...path: string[]) => ({ file, path: ["images", index, ...path] });
    if (!isRecord(record) || !isId(record.id) || !isId(record.original_img_id)) {
      problems.error(at(), "must have id and original_img_id");
      continue;
    }
    const { id, original_img_id, sentence_id, caption, file_name, width = 0, height = 0 } = record;
    const phrases = record.tokens_positive_eval;
    if (!isNumber(sentence_id) || !Number.isInteger(sentence_id) || sentence_id < 0 || sentence_id >= mostSentences) {
      problems.error(at("sentence_id"), "must be the number of the sentence, from 0");
    } else if (typeof caption !== "string" || typeof file_name !== "string") {
      problems.error(at(), "must have caption and file_name");
    } else if (!Array.isArray(phrases) || !phrases.every((spans): spans is Spans => isSpans(spans, caption))) {
      problems.error(
        at("tokens_positive_eval"),
        "must be a list of phrases, each [start, end] pairs within the caption",
      );
    } else {
      const size = { width: Number(width), height: Number(height) };
      const key = String(original_img_id);
      const image = images.get(key) ?? { id: original_img_id, file: file_name, ...size, objects: [], captions: [] };
      images.set(key, image);
      // Sentences that are not in the file stay empty.
      while (image.captions.length <= sentence_id) image.captions.push({ text: "", phrases: [] });
      const own = annotations.get(id) ?? [];
      const located = phrases.flatMap((spans) => {
        const boxes = own.filter((annotation) => spans.every((span) => holds(annotation.spans, span)));
        const objects = boxes.map(
          ({ xywh }) => image.objects.push({ xywh, area: xywh[2] * xywh[3], isCrowd: false }) - 1,
        );
        return objects.length ? [{ spans, objects }] : [];
      });
      image.captions[sentence_id] = { text: caption, phrases: located };
    }
  }
  return { labels: [], images: [...images.values()] };
}

function holds(spans: Spans, [start, end]: Spans[number]): boolean {
  return spans.some((span) => span[0] === start && span[1] === end);
}

function annotationsByImage(json: unknown, file: string, problems: Problems): Map<unknown, Annotation[]> {
  const byImage = new Map<unknown, Annotation[]>();
  for (const [index, record] of listIn(json, "annotations", { file, problems }).entries()) {
    const { image_id, bbox, tokens_positive: spans } = isRecord(record) ? record : {};
    if (!isId(image_id) || !isNumbers(bbox) || bbox.length !== 4 || !Array.isArray(spans)) {
      problems.error(
        { file, path: ["annotations", index] },
        "must have image_id, bbox of four numbers and tokens_positive",
      );
      continue;
    }
    const own = byImage.get(image_id) ?? [];
    byImage.set(image_id, own);
    own.push({ xywh: bbox as Xywh, spans: spans as Spans });
  }
  return byImage;
}
