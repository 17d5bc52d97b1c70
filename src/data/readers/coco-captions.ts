/** COCO's captions: one JSON file with images, and with annotations that are sentences about them. */
import type { Id } from "./coco-records.ts";
import type { Dataset, DatasetImage } from "./dataset.ts";
import { readJson } from "./json.ts";
import type { Problems } from "./problems.ts";
import { isId, isNumber, isRecord, listIn } from "./values.ts";

/** Reads a file; errors are added to `problems`. */
export function readCocoCaptions(file: string, problems: Problems): Dataset {
  const json = readJson(file);
  const images = new Map<Id, DatasetImage>();
  for (const [index, record] of listIn(json, "images", { file, problems }).entries()) {
    const place = { file, path: ["images", index] };
    if (!isRecord(record) || !isId(record.id) || typeof record.file_name !== "string") {
      problems.error(place, "must have id and file_name");
      continue;
    }
    const { id, file_name, width, height } = record;
    if (!isNumber(width) || !isNumber(height)) {
      problems.error(place, "must have width and height");
      continue;
    }
    if (images.has(id)) problems.error(place, `two images have the id ${JSON.stringify(id)}`);
    images.set(id, { id, file: file_name, width, height, objects: [], captions: [] });
  }
  for (const [index, record] of listIn(json, "annotations", { file, problems }).entries()) {
    const place = { file, path: ["annotations", index] };
    const { image_id, caption } = isRecord(record) ? record : {};
    const image = isId(image_id) ? images.get(image_id) : undefined;
    if (typeof caption !== "string") problems.error(place, "must have a caption");
    else if (!image) problems.error(place, `there is no image with the id ${JSON.stringify(image_id)}`);
    else image.captions.push({ text: caption.trim(), phrases: [] });
  }
  return { labels: [], images: [...images.values()] };
}
