/** Scores a CLIP during training on photos kept aside: the right class, or the right caption, among all of them. */

import { Random } from "../../data/random.ts";
import { readCaptioned } from "../../data/readers/captioned.ts";
import { readClassified } from "../../data/readers/classified.ts";
import { pictureAt } from "../../data/readers/tar-pictures.ts";
import { CLIP_PIXELS } from "../../inputs/pictures/prepare-crop.ts";
import type { Evaluation } from "../../learning/train.ts";
import { rankOf } from "../../metrics/ranking.ts";
import type { ClipConfig } from "../../models/clip/clip.ts";
import type { Device } from "../../onnx/devices.ts";
import { openAiWords } from "../../tasks/classifying/clip-folder.ts";
import { ClipSessions } from "../../tasks/classifying/clip-sessions.ts";
import { Encoder } from "../../tasks/classifying/encoder.ts";
import { dot, type UnitVector } from "../../tasks/classifying/unit-vectors.ts";
import type { ClipRecipe } from "./clip-recipe.ts";

/** Names asked of each photo for the second score: its own and others. */
const FEW_NAMES = 20;

interface Questions {
  readonly pictures: readonly string[];
  /** For each picture, the place of its text in the list of texts. */
  readonly owns: readonly number[];
  vectors(encoder: Encoder): Promise<UnitVector[]>;
}

/** The share of photos whose own text is the most similar of all, and of 20 drawn ones; nothing without photos kept aside. */
export async function clipEvaluation(
  { heldOut, evaluateEvery, evaluatePictures, seed, device }: ClipRecipe & { device?: Device },
  config: ClipConfig,
): Promise<Evaluation | undefined> {
  if (!heldOut) return undefined;
  const questions = await questionsOf(heldOut, { seed, most: evaluatePictures });
  const words = await openAiWords(config.text.vocabulary);
  const side = config.image.resolution;
  return {
    every: evaluateEvery,
    best: "right",
    run: async ({ weights, average }) => {
      const sessions = await ClipSessions.open(config, average ?? weights, device ? { device } : {});
      const encoder = new Encoder(sessions, words, { side, ...CLIP_PIXELS }, { scale: 1, mark: "" });
      try {
        return await scoresOf(encoder, questions, seed);
      } finally {
        await encoder.dispose();
      }
    },
  };
}

async function scoresOf(encoder: Encoder, { pictures, owns, vectors }: Questions, seed: number) {
  const texts = await vectors(encoder);
  const seen = await encoder.embedImage(pictures.map(pictureAt));
  const random = new Random(seed, "names asked");
  let [right, ofFew] = [0, 0];
  seen.forEach((picture, i) => {
    const own = owns[i]!;
    const cosines = texts.map((text) => dot(picture, text));
    if (rankOf(cosines, own) === 0) right++;
    const others = random.shuffled(cosines.filter((_, k) => k !== own)).slice(0, FEW_NAMES - 1);
    if (others.every((cosine) => cosine < cosines[own]!)) ofFew++;
  });
  return { right: right / seen.length, [`right of ${FEW_NAMES}`]: ofFew / seen.length };
}

async function questionsOf(
  data: NonNullable<ClipRecipe["heldOut"]>,
  { seed, most }: { seed: number; most: number },
): Promise<Questions> {
  const random = new Random(seed, "photos kept aside");
  if (data.kind === "captions") {
    const choice = data.images === undefined ? {} : { images: data.images };
    const photos = random.shuffled(await readCaptioned(data.data, choice)).slice(0, most);
    return {
      pictures: photos.map(({ picture }) => picture),
      owns: photos.map((_, i) => i),
      vectors: (encoder) =>
        encoder.embedText(
          photos.map(({ captions }) => captions[0]!),
          { long: "end" },
        ),
    };
  }
  const { classes, photos: all } = await readClassified(data.data, data.split);
  const photos = random.shuffled([...all]).slice(0, most);
  const names = classes.map(({ name }) => name);
  return {
    pictures: photos.map(({ picture }) => picture),
    owns: photos.map(({ key }) => classes.findIndex((one) => one.key === key)),
    vectors: (encoder) => encoder.classVectors(names, { templates: data.templates, long: "end" }),
  };
}
