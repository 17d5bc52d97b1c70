/** Composes training batches of pictures from datasets on disk, in worker threads. */

import { Random } from "../../data/random.ts";
import type { Xywh } from "../../data/readers/dataset.ts";
import { pictureAt } from "../../data/readers/tar-pictures.ts";
import { fewShot } from "../../data/training/few-shot.ts";
import { Order, type Turn } from "../../data/training/order.ts";
import { readSource, type SourceFiles, type TrainingExample } from "../../data/training/sources.ts";
import { InputError } from "../../errors.ts";
import { decodePicture } from "../../inputs/pictures/picture.ts";
import { prepareImage } from "../../inputs/pictures/prepare-image.ts";
import type { Picture } from "../../inputs/pictures/resize.ts";
import type { KnownClasses } from "../../inputs/words/known-classes.ts";
import { type ClassPrompt, classesInWords } from "../../inputs/words/prompts.ts";
import { readWords } from "../../inputs/words/read-words.ts";
import {
  assembleBatch,
  type BatchSetup,
  buffersOf,
  type Corners,
  type Example,
  encodeUpTo,
  type NamedCaption,
} from "./assemble-batch.ts";
import { ClassCaptions, type NegativeOptions } from "./class-captions.ts";
import type { GroundingBatch } from "./training-step.ts";

export interface DatasetSource extends SourceFiles {
  weight: number;
  /** Whether the score of a box is the target of its words, instead of 1. */
  weighted?: boolean | undefined;
  /** Number of pictures per class, chosen by the seed. */
  shots?: number | undefined;
  /** Prompts for some classes, by their labels. */
  captions?: readonly ClassPrompt[] | undefined;
}

export interface DatasetComposerSetup extends BatchSetup {
  /** The datasets; `weight` is the relative number of pictures from each. */
  sources: readonly DatasetSource[];
  /** Maximum length of the longer side, in pixels. */
  longest: number;
  /** Probability that a picture is mirrored. A picture whose caption mentions left or right is never mirrored. */
  flip: number;
  negatives: NegativeOptions;
}

const SIDES = /\b(left|right)/i;

/** Batch number `job` depends only on the number, the setup and the files. */
export async function createComposer(setup: DatasetComposerSetup): Promise<{
  compose(job: number): Promise<GroundingBatch>;
  transfer(batch: GroundingBatch): ArrayBuffer[];
}> {
  const readings = await readingsOf(setup);
  const sources = await Promise.all(setup.sources.map((source) => openSource(source, readings, setup.seed)));
  const order = new Order(sources, setup.pictures, setup.seed);
  const exampleOf = async ({ source, example }: Turn, side: number, random: Random): Promise<Example> => {
    const { examples, read, weighted } = sources[source]!;
    const given = examples[example]!;
    const { caption, encoding, ...words } = read(given, random);
    const mirrored = random.chance(setup.flip) && !SIDES.test(caption);
    const picture = await pictureOf(given);
    const image = prepareImage(mirrored ? mirror(picture) : picture, {
      ...setup.preparation,
      size: { short: side, max: setup.longest },
    });
    return {
      image,
      encoding,
      ...words,
      boxes: given.objects.map(({ xywh }) => place(xywh, given, { ...image, mirrored })),
      ...(weighted ? { confidences: given.objects.map(({ score = 1 }) => score) } : {}),
    };
  };
  return {
    compose: async (job) => {
      const random = new Random(setup.seed, "batch", job);
      const side = random.pick(setup.sizes);
      // Each picture has its own random numbers, so that the order of reading files does not matter.
      const examples = order
        .batch(job)
        .map((turn, i) => exampleOf(turn, side, new Random(setup.seed, "picture", job, i)));
      return assembleBatch(await Promise.all(examples), setup);
    },
    transfer: buffersOf,
  };
}

type Reading = (example: TrainingExample, random: Random) => NamedCaption & Pick<Example, "encoding">;
type Readings = (names: readonly (string | ClassPrompt)[]) => Reading;

/** The examples of a source, and how they become captions. */
async function openSource(
  { weight, weighted = false, shots, captions = [], ...files }: DatasetSource,
  readings: Readings,
  seed: DatasetComposerSetup["seed"],
) {
  const { names, examples: all } = await readSource(files);
  const classes = all.map(({ objects }) => objects.flatMap((object) => ("name" in object ? [object.name] : [])));
  const examples = shots === undefined ? all : fewShot(classes, shots, seed).map((i) => all[i]!);
  const upright = examples.map(({ width, height }) => height > width);
  return { weight, weighted, examples, read: readings(classesInWords(names, captions)), upright };
}

/** How the examples of a source with these class names become captions. */
async function readingsOf(setup: DatasetComposerSetup): Promise<Readings> {
  const { tokens, negatives } = setup;
  const reader = await readWords(setup.words);
  if (!reader.pieces) return () => (example) => ({ ...classesIn(example, reader), encoding: reader.encoding });
  const { pieces } = reader;
  return (names) => {
    const captions = new ClassCaptions(names, pieces, { ...negatives, tokens });
    return (example, random) => {
      const words = wordsOf(example, captions, random);
      return { ...words, encoding: encodeUpTo(pieces, words.caption, tokens) };
    };
  };
}

/** A detector of fixed classes always gets all of them. */
function classesIn(example: TrainingExample, classes: KnownClasses): NamedCaption {
  if ("caption" in example)
    throw new InputError(
      `${example.picture} has a caption, which a detector of fixed classes cannot use; use a source with classes`,
    );
  return { caption: "", spans: example.objects.map(({ name }) => [classes.spanOf(name)]) };
}

/** A caption without changes, or class names; boxes of names that did not fit have no span. */
function wordsOf(example: TrainingExample, captions: ClassCaptions, random: Random): NamedCaption {
  if ("caption" in example) return { caption: example.caption, spans: example.objects.map(({ spans }) => spans) };
  const { objects, unfinished } = example;
  const present = [...new Set(objects.map(({ name }) => name))];
  const { caption, spans, unsure } = captions.captionFor({ present, unfinished }, random);
  return { caption, unsure, spans: objects.map(({ name }) => (spans.has(name) ? [spans.get(name)!] : [])) };
}

async function pictureOf({ picture, width, height }: TrainingExample): Promise<Picture> {
  const found = await decodePicture(pictureAt(picture));
  if (found.width === width && found.height === height) return found;
  throw new InputError(
    `${picture} is ${found.width} × ${found.height}, but the annotations have ${width} × ${height}; check that they belong to this copy of the picture`,
  );
}

/** Clips a box to its picture, resizes it and mirrors it (GLIP `structures/bounding_box.py`). */
function place(
  [x, y, w, h]: Xywh,
  given: { width: number; height: number },
  { width, height, mirrored }: { width: number; height: number; mirrored: boolean },
): Corners {
  const across = (at: number) => Math.min(Math.max(at, 0), given.width - 1) * (width / given.width);
  const down = (at: number) => Math.min(Math.max(at, 0), given.height - 1) * (height / given.height);
  const [left, right] = [across(x), across(x + w - 1)];
  const [top, bottom] = [down(y), down(y + h - 1)];
  return mirrored ? [width - right - 1, top, width - left - 1, bottom] : [left, top, right, bottom];
}

function mirror({ data, width, height }: Picture): Picture {
  const mirrored = new Uint8Array(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const from = 3 * (y * width + x);
      const to = 3 * (y * width + width - 1 - x);
      mirrored[to] = data[from]!;
      mirrored[to + 1] = data[from + 1]!;
      mirrored[to + 2] = data[from + 2]!;
    }
  return { data: mirrored, width, height };
}
