/** Files of captions in COCO's form, as the caption tools read them: references of pictures, and a model's captions. */

import type { Id } from "./coco-records.ts";
import { readJson } from "./json.ts";
import { Problems } from "./problems.ts";
import { isId, isRecord, listIn } from "./values.ts";

/** A sentence about a picture. */
export interface PictureCaption {
  readonly image_id: Id;
  readonly caption: string;
}

/** Reads references: the pictures in their order, and the sentences. Throws InputError that lists the file's errors with their lines. */
export function readCaptionReferences(file: string): { images: Id[]; references: PictureCaption[] } {
  const problems = new Problems();
  const json = readJson(file);
  const images = listIn(json, "images", { file, problems }).flatMap((record, index) => {
    if (isRecord(record) && isId(record.id)) return [record.id];
    problems.error({ file, path: ["images", index] }, "must have an id");
    return [];
  });
  const references = listIn(json, "annotations", { file, problems }).flatMap((record, index) =>
    captionOf(record, ["annotations", index], { file, problems }),
  );
  problems.refuseErrors(file);
  return { images, references };
}

/** Reads a model's captions, a list of records with image_id and caption. Throws InputError that lists the file's errors with their lines. */
export function readCaptionResults(file: string): PictureCaption[] {
  const problems = new Problems();
  const json = readJson(file);
  if (!Array.isArray(json)) problems.error({ file, path: [] }, "must be a list of captions");
  const found = (Array.isArray(json) ? json : []).flatMap((record: unknown, index) =>
    captionOf(record, [index], { file, problems }),
  );
  problems.refuseErrors(file);
  return found;
}

function captionOf(
  record: unknown,
  path: readonly (string | number)[],
  { file, problems }: { file: string; problems: Problems },
): PictureCaption[] {
  const { image_id, caption } = isRecord(record) ? record : {};
  if (isId(image_id) && typeof caption === "string") return [{ image_id, caption }];
  problems.error({ file, path }, "must have image_id and caption");
  return [];
}
