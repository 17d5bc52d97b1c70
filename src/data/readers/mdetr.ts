/** MDETR's mixed grounding JSON: each "image" is a picture with one caption, and annotations refer to words of the caption. */
import { checkBox } from "./box-checks.ts";
import type { Id } from "./coco-records.ts";
import type { Dataset, DatasetCaption, DatasetImage, DatasetPhrase, Xywh } from "./dataset.ts";
import { readJson } from "./json.ts";
import type { Place, Problems } from "./problems.ts";
import { isId, isNumbers, isRecord, isSpans, listIn } from "./values.ts";

/** Reads a file; errors are added to `problems`. */
export function readMdetr(file: string, problems: Problems): Dataset {
  const json = readJson(file);
  const images = imagesOf(json, file, problems);
  for (const [index, record] of listIn(json, "annotations", { file, problems }).entries())
    addAnnotation(record, images, { at: (...path) => ({ file, path: ["annotations", index, ...path] }), problems });
  return { labels: [], images: [...images.values()] };
}

function imagesOf(json: unknown, file: string, problems: Problems): Map<Id, DatasetImage> {
  const images = new Map<Id, DatasetImage>();
  for (const [index, record] of listIn(json, "images", { file, problems }).entries()) {
    const place = { file, path: ["images", index] };
    if (!isRecord(record) || !isId(record.id) || typeof record.file_name !== "string") {
      problems.error(place, "must have id and file_name");
      continue;
    }
    const { id, file_name, caption, width, height } = record;
    if (images.has(id)) problems.error(place, `two images have the id ${JSON.stringify(id)}`);
    if (!isNumbers([width, height])) {
      problems.error(place, "must have width and height");
      continue;
    }
    if (typeof caption !== "string") {
      problems.error(place, "must have a caption");
      continue;
    }
    const captions = [{ text: caption, phrases: [] }];
    images.set(id, { id, file: file_name, width: Number(width), height: Number(height), objects: [], captions });
  }
  return images;
}

/** Adds an object to its image and to the phrase of its caption. */
function addAnnotation(
  record: unknown,
  images: ReadonlyMap<Id, DatasetImage>,
  { at, problems }: { at: (...path: string[]) => Place; problems: Problems },
): void {
  if (!isRecord(record)) {
    problems.error(at(), "must be a JSON object");
    return;
  }
  const { image_id, bbox, tokens_positive: spans, area, iscrowd } = record;
  const image = isId(image_id) ? images.get(image_id) : undefined;
  if (!image) {
    problems.error(at(), `there is no image with the id ${JSON.stringify(image_id)}`);
    return;
  }
  if (!isNumbers(bbox) || bbox.length !== 4) {
    problems.error(at(), "bbox must be four numbers: x, y, width, height");
    return;
  }
  const xywh = bbox as Xywh;
  checkBox(xywh, image, { problems, place: at("bbox") });
  const caption = image.captions[0]!;
  if (!isSpans(spans, caption.text)) {
    problems.error(
      at("tokens_positive"),
      `must be [start, end] pairs within the caption of ${caption.text.length} characters`,
    );
    return;
  }
  const object = image.objects.length;
  image.objects.push({ xywh, area: typeof area === "number" ? area : xywh[2] * xywh[3], isCrowd: iscrowd === 1 });
  if (spans.length === 0) return;
  const key = JSON.stringify(spans);
  const phrase = caption.phrases.find((known) => JSON.stringify(known.spans) === key);
  if (phrase) phrase.objects.push(object);
  else caption.phrases.push({ spans, objects: [object] });
}

interface MdetrJson {
  images: {
    id: number;
    original_img_id: Id;
    sentence_id: number;
    file_name: string;
    width: number;
    height: number;
    caption: string;
    tokens_positive_eval: [number, number][][];
  }[];
  annotations: {
    id: number;
    image_id: number;
    bbox: Xywh;
    area: number;
    iscrowd: 0 | 1;
    category_id: 1;
    tokens_positive: [number, number][];
  }[];
  categories: { id: 1; name: "object" }[];
}

/**
 * Converts a dataset to MDETR's format: a picture is repeated for each of its captions. A picture without a caption gets the names of its
 * classes as a caption, "cat. dog", in which each name is a phrase. Objects that are in no caption are left out.
 */
export function mdetrOfDataset(dataset: Dataset): MdetrJson {
  const json: MdetrJson = { images: [], annotations: [], categories: [{ id: 1, name: "object" }] };
  const names = new Map(dataset.labels.map(({ id, name }) => [id, name]));
  for (const image of dataset.images) {
    const captions = image.captions.length > 0 ? image.captions : [captionOfLabels(image, names)];
    captions.forEach(({ text, phrases }, sentence_id) => {
      const id = json.images.length + 1;
      json.images.push({
        id,
        original_img_id: image.id,
        sentence_id,
        file_name: image.file,
        width: image.width,
        height: image.height,
        caption: text,
        tokens_positive_eval: phrases.map(({ spans }) => spans),
      });
      for (const { spans, objects } of phrases) {
        for (const place of objects) {
          const { xywh, area, isCrowd } = image.objects[place]!;
          json.annotations.push({
            id: json.annotations.length + 1,
            image_id: id,
            bbox: xywh,
            area,
            iscrowd: isCrowd ? 1 : 0,
            category_id: 1,
            tokens_positive: spans,
          });
        }
      }
    });
  }
  return json;
}

/** The names of the classes in a picture, in the order of their first objects. */
function captionOfLabels({ objects }: DatasetImage, names: ReadonlyMap<number, string>): DatasetCaption {
  const places = new Map<number, number[]>();
  for (const [place, { label }] of objects.entries()) {
    if (label !== undefined) places.set(label, [...(places.get(label) ?? []), place]);
  }
  let text = "";
  const phrases = [...places].map(([label, own]): DatasetPhrase => {
    if (text !== "") text += ". ";
    const start = text.length;
    text += names.get(label)!;
    return { spans: [[start, text.length]], objects: own };
  });
  return { text, phrases };
}
