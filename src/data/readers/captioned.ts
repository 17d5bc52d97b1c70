/** Photos with their captions: Flickr30k Entities, COCO's captions, other datasets with captions, and lists of `{ image, captions }`. */
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { InputError } from "../../errors.ts";
import { fileWithin } from "../../files/read-file.ts";
import { type DatasetChoice, openDataset } from "./find-dataset.ts";
import { picturesIn } from "./folders.ts";
import { readJsonLines } from "./json.ts";
import { isRecord } from "./values.ts";

/** A photo and its captions. */
export interface CaptionedPhoto {
  /** Its name in the dataset. */
  readonly file: string;
  /** Its path. */
  readonly picture: string;
  readonly captions: readonly string[];
}

/**
 * Reads a `.jsonl` file of `{ image, captions }` (or a folder with `captions.jsonl`), or any dataset that has captions; of Flickr30k Entities
 * the images of `subset`. Photos without captions are left out.
 * @throws InputError that lists what is missing or malformed.
 */
export async function readCaptioned(
  path: string,
  choice: DatasetChoice & { subset?: string } = {},
): Promise<CaptionedPhoto[]> {
  const listed = join(path, "captions.jsonl");
  const list = path.endsWith(".jsonl") ? path : existsSync(listed) ? listed : undefined;
  const photos = list ? await readList(list, choice.images) : await readDataset(path, choice);
  const captioned = photos.filter(({ captions }) => captions.length > 0);
  if (captioned.length > 0) return captioned;
  throw new InputError(`${path}: has no photos with captions`);
}

async function readList(list: string, images = dirname(list)): Promise<CaptionedPhoto[]> {
  if (!statSync(list, { throwIfNoEntry: false })?.isFile()) throw new InputError(`${list}: does not exist`);
  const photos: CaptionedPhoto[] = [];
  const seen = new Set<string>();
  for await (const { line, record } of readJsonLines(list)) {
    const refuse = (problem: string): never => {
      throw new InputError(`${list}:${line}: ${problem}`);
    };
    const { image, captions } = isRecord(record) ? record : {};
    if (typeof image !== "string" || !Array.isArray(captions) || !captions.every((one) => typeof one === "string"))
      return refuse('must be { "image": "photo.jpg", "captions": ["a dog"] }');
    if (seen.has(image)) refuse(`${image} comes a second time; give all its captions in one line`);
    seen.add(image);
    const picture = fileWithin(images, image) ?? refuse(`there is no ${join(images, image)}`);
    photos.push({ file: image, picture, captions: captions.map((text) => text.trim()).filter((text) => text !== "") });
  }
  return photos;
}

async function readDataset(path: string, choice: DatasetChoice & { subset?: string }): Promise<CaptionedPhoto[]> {
  const { dataset, pictures, problems } = await openDataset(path, choice);
  problems.refuseErrors(path);
  const paths = picturesIn(
    pictures,
    dataset.images.map(({ file }) => file),
  );
  return dataset.images.map(({ file, captions }, i) => ({
    ...{ file, picture: paths[i]! },
    captions: captions.map(({ text }) => text).filter((text) => text !== ""),
  }));
}
