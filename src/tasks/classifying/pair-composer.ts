/** Composes training batches of pictures with one text each, in a worker thread: photos with captions, or classes in templates. */

import { Random } from "../../data/random.ts";
import { readCaptioned } from "../../data/readers/captioned.ts";
import { readClassified } from "../../data/readers/classified.ts";
import { pictureAt } from "../../data/readers/tar-pictures.ts";
import { Order } from "../../data/training/order.ts";
import { InputError } from "../../errors.ts";
import { decodePicture } from "../../inputs/pictures/picture.ts";
import { CLIP_PIXELS, prepareCrop } from "../../inputs/pictures/prepare-crop.ts";
import type { Picture } from "../../inputs/pictures/resize.ts";
import { filled } from "../../inputs/words/templates.ts";
import { endPlaces } from "../../models/clip/text-encoder.ts";
import { openAiWords } from "./clip-folder.ts";
import type { ClipBatch } from "./clip-training-step.ts";

/** Photos with captions (see `readCaptioned`), one of which is drawn at a time. */
export interface CaptionPairs {
  readonly kind: "captions";
  readonly data: string;
  readonly images?: string | undefined;
}

/** Photos of classes (see `readClassified`), whose names are put into templates. */
export interface ClassPairs {
  readonly kind: "classes";
  readonly data: string;
  readonly split?: string | undefined;
  readonly templates: readonly string[];
}

export interface PairComposerSetup {
  readonly pairs: CaptionPairs | ClassPairs;
  readonly seed: number;
  /** Pictures in a batch. */
  readonly pictures: number;
  /** Side of the model's pictures, in pixels. */
  readonly side: number;
  /** Number of the model's tokens, and the maximum number in a text. */
  readonly vocabulary: number;
  readonly context: number;
  /** The smallest side of a random square crop, as a share of the picture's shorter side; 1 for the central square. */
  readonly crop: number;
  /** Probability that a picture is mirrored. A picture whose text mentions left or right is never mirrored. */
  readonly flip: number;
}

interface Drawn {
  readonly picture: string;
  readonly text: string;
}

const SIDES = /\b(left|right)/i;

/** Batch number `job` depends only on the number, the setup and the files. Throws InputError if there are too few pictures for a batch. */
export async function createComposer(setup: PairComposerSetup): Promise<{
  compose(job: number): Promise<ClipBatch>;
  transfer(batch: ClipBatch): ArrayBuffer[];
}> {
  const { seed, pictures, context, vocabulary, side } = setup;
  const draw = await drawerOf(setup);
  const words = await openAiWords(vocabulary);
  return {
    compose: async (job) => {
      const drawn = draw(job);
      const prepared = await Promise.all(
        drawn.map((one, i) => pictureOf(one, setup, new Random(seed, "picture", job, i))),
      );
      const image = new Float32Array(pictures * 3 * side * side);
      prepared.forEach((numbers, i) => {
        image.set(numbers, i * 3 * side * side);
      });
      const rows = words.rows(
        drawn.map(({ text }) => text),
        { length: context, long: "end" },
      );
      const { ids, tokens } = withoutPadding(rows, context);
      return { pictures, image, ids, tokens, ends: endPlaces(ids, tokens) };
    },
    transfer: ({ image, ids, ends }) => [image.buffer, ids.buffer, ends.buffer] as ArrayBuffer[],
  };
}

/** Rows [n,context] of token ids, cut to the longest text. */
export function withoutPadding(rows: BigInt64Array, context: number): { ids: BigInt64Array; tokens: number } {
  const n = rows.length / context;
  const row = (i: number) => rows.subarray(i * context, (i + 1) * context);
  const tokens = Math.max(...Array.from({ length: n }, (_, i) => row(i).findLastIndex((id) => id !== 0n) + 1));
  const ids = new BigInt64Array(n * tokens);
  for (let i = 0; i < n; i++) ids.set(row(i).subarray(0, tokens), i * tokens);
  return { ids, tokens };
}

/** The pictures and texts of batch number `job`. */
async function drawerOf({ pairs, seed, pictures }: PairComposerSetup): Promise<(job: number) => Drawn[]> {
  return pairs.kind === "captions" ? captionDrawer(pairs, seed, pictures) : classDrawer(pairs, seed, pictures);
}

async function captionDrawer({ data, images }: CaptionPairs, seed: number, pictures: number) {
  const photos = await readCaptioned(data, images === undefined ? {} : { images });
  if (photos.length < pictures)
    throw new InputError(`${data}: has ${photos.length} photos with captions; a batch needs ${pictures}`);
  const order = new Order([{ weight: 1, upright: photos.map(() => false) }], pictures, seed);
  return (job: number): Drawn[] => {
    const random = new Random(seed, "captions", job);
    return order.batch(job).map(({ example }) => {
      const { picture, captions } = photos[example]!;
      return { picture, text: random.pick(captions) };
    });
  };
}

/** Each class at most once in a batch, because a text must belong to one picture only. */
async function classDrawer({ data, split = "train", templates }: ClassPairs, seed: number, pictures: number) {
  const { classes, photos } = await readClassified(data, split);
  if (classes.length < pictures)
    throw new InputError(`${data}: has ${classes.length} classes; a batch needs ${pictures}, one picture of each`);
  const own = new Map(classes.map(({ key }) => [key, photos.filter((photo) => photo.key === key)]));
  return (job: number): Drawn[] => {
    const random = new Random(seed, "classes", job);
    const some = random.shuffled([...classes]).slice(0, pictures);
    return some.map(({ key, names }) => {
      const text = filled(random.pick(templates), random.pick(names));
      return { picture: random.pick(own.get(key)!).picture, text };
    });
  };
}

async function pictureOf(
  { picture, text }: Drawn,
  { side, crop, flip }: PairComposerSetup,
  random: Random,
): Promise<Float32Array> {
  const whole = await decodePicture(pictureAt(picture));
  const square = Math.round(Math.min(whole.width, whole.height) * random.between(crop, 1));
  const cut = crop < 1 ? cropAt(whole, square, random) : whole;
  const isMirrored = random.chance(flip) && !SIDES.test(text);
  return prepareCrop(isMirrored ? mirrored(cut) : cut, { side, ...CLIP_PIXELS });
}

function cropAt({ data, width, height }: Picture, square: number, random: Random): Picture {
  const side = Math.max(1, square);
  const [left, top] = [random.below(width - side + 1), random.below(height - side + 1)];
  const cut = new Uint8Array(3 * side * side);
  for (let y = 0; y < side; y++) {
    const start = 3 * ((top + y) * width + left);
    cut.set(data.subarray(start, start + 3 * side), 3 * y * side);
  }
  return { data: cut, width: side, height: side };
}

function mirrored({ data, width, height }: Picture): Picture {
  const other = new Uint8Array(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [from, to] = [3 * (y * width + x), 3 * (y * width + width - 1 - x)];
      for (let c = 0; c < 3; c++) other[to + c] = data[from + c]!;
    }
  return { data: other, width, height };
}
