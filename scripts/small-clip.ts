/**
 * Makes the small CLIP: a MobileNetV2 body that COCO-SSD learned, kept as it is, with layers after it and a text encoder that learn
 * the names of Tiny ImageNet's photos by contrast. The body's numbers of each photo are computed once, so an epoch takes seconds.
 *
 *     node --import tsx scripts/small-clip.ts features PHOTOS WORK     # PHOTOS as recipes/small-clip.md says; continues where it stopped
 *     node --import tsx scripts/small-clip.ts write PHOTOS WORK        # the same file, of the best weights so far
 *     node --import tsx scripts/small-clip.ts train PHOTOS WORK        # writes WORK/model.safetensors; tells the score on the split val
 */

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Random } from "../src/data/random.ts";
import { type ClassifiedPhotos, readClassified } from "../src/data/readers/classified.ts";
import { pictureAt } from "../src/data/readers/tar-pictures.ts";
import { decodePicture } from "../src/inputs/pictures/picture.ts";
import { CLIP_PIXELS, prepareCrop } from "../src/inputs/pictures/prepare-crop.ts";
import { imagenetTemplates, filled as named } from "../src/inputs/words/templates.ts";
import { AdamW } from "../src/learning/adamw.ts";
import { localBatchSource } from "../src/learning/batch-source.ts";
import { readCheckpoint } from "../src/learning/checkpoint.ts";
import { withInterruption } from "../src/learning/interruption.ts";
import { parameterGroups } from "../src/learning/parameter-groups.ts";
import { cosine, withWarmup } from "../src/learning/schedules.ts";
import { TracedStep } from "../src/learning/traced-step.ts";
import { checkpointFile, train } from "../src/learning/train.ts";
import { rankOf } from "../src/metrics/ranking.ts";
import { clip } from "../src/models/clip/clip.ts";
import { clipPresets } from "../src/models/clip/clip-presets.ts";
import { MOBILE_NET_FEATURES, MOBILE_NET_SIDE, mobileNetEncoder } from "../src/models/clip/mobile-net-encoder.ts";
import { endPlaces, textEncoder } from "../src/models/clip/text-encoder.ts";
import { glipPictures } from "../src/models/parts/glip-pictures.ts";
import { MOBILE_NET_CHANNELS, mobileNet } from "../src/models/parts/mobile-net.ts";
import { filled, Scope } from "../src/nn/index.ts";
import { lower, SessionCache } from "../src/onnx/index.ts";
import { openAiWords } from "../src/tasks/classifying/clip-folder.ts";
import { contrastiveTerm } from "../src/tasks/classifying/clip-training-step.ts";
import { limitLogitScale } from "../src/tasks/classifying/contrastive-loss.ts";
import { withoutPadding } from "../src/tasks/classifying/pair-composer.ts";
import { dot } from "../src/tasks/classifying/unit-vectors.ts";
import {
  concat,
  exp,
  input,
  matmul,
  mean,
  multiply,
  normalizeLength,
  reshape,
  swapLast,
  type Tensor,
} from "../src/tensor/index.ts";
import { fromFloat32 } from "../src/weights/float-conversion.ts";
import { openWeights } from "../src/weights/open-weights.ts";
import { writeSafetensors } from "../src/weights/write-safetensors.ts";

const THREADS = Number(process.env.THREADS ?? 1);
const SEED = 1;
/** Photos in a batch, each of another class, and steps. */
const [PICTURES, STEPS] = [160, 1500];
const config = clipPresets.small;
const COMPANION = fileURLToPath(new URL("../assets/models/everyday/companion.safetensors", import.meta.url));
const BATCH = 16;
/** Photos in a file of numbers. */
const PART = 480;

type Split = "train" | "val";

/** COCO-SSD's body for pictures prepared as for CLIP: their scale and the order of channels go into the first convolution. */
export async function bodyWeights(): Promise<Map<string, Float32Array>> {
  const file = await openWeights(COMPANION);
  const weights = new Map<string, Float32Array>();
  try {
    for (const name of file.entries.keys())
      if (name.startsWith("body.")) weights.set(`visual.${name}`, await file.readFloat32(name));
  } finally {
    await file.close();
  }
  const kernel = weights.get("visual.body.first.weight")!;
  const bias = weights.get("visual.body.first.bias")!;
  const { mean: means, deviation } = glipPictures;
  const other = new Float32Array(kernel.length);
  const area = 9;
  for (let o = 0; o < bias.length; o++)
    for (let rgb = 0; rgb < 3; rgb++) {
      const bgr = 2 - rgb;
      const scale = (255 * CLIP_PIXELS.deviation[rgb]!) / deviation[bgr]!;
      const shift = (255 * CLIP_PIXELS.mean[rgb]! - means[bgr]!) / deviation[bgr]!;
      for (let i = 0; i < area; i++) {
        const value = kernel[(o * 3 + bgr) * area + i]!;
        other[(o * 3 + rgb) * area + i] = value * scale;
        bias[o]! += value * shift;
      }
    }
  kernel.set(other);
  return weights;
}

async function photosOf(folder: string, split: Split): Promise<ClassifiedPhotos> {
  return readClassified(folder, split);
}

function partFile(work: string, split: Split, part: number): string {
  return join(work, `${split}-${String(part).padStart(3, "0")}.safetensors`);
}

async function features(folder: string, work: string): Promise<void> {
  mkdirSync(work, { recursive: true });
  const weights = await bodyWeights();
  const body = mobileNet(new Scope().at("visual").at("body"));
  const pictures = input("pictures", [BATCH, 3, MOBILE_NET_SIDE, MOBILE_NET_SIDE]);
  const [, middle, last] = body(pictures);
  const [, middleChannels, lastChannels] = MOBILE_NET_CHANNELS;
  const numbers = concat(
    [reshape(mean(middle!, [2, 3]), [BATCH, middleChannels]), reshape(mean(last!, [2, 3]), [BATCH, lastChannels])],
    1,
  );
  const trace = lower({ numbers }, { baked: (name) => weights.get(name) });
  const sessions = new SessionCache({ threads: THREADS });
  for (const split of ["val", "train"] as const) {
    const { photos } = await photosOf(folder, split);
    for (let part = 0; part * PART < photos.length; part++) {
      const file = partFile(work, split, part);
      if (existsSync(file)) continue;
      const some = photos.slice(part * PART, (part + 1) * PART);
      const all = new Float32Array(some.length * MOBILE_NET_FEATURES);
      for (let start = 0; start < some.length; start += BATCH) {
        const batch = new Float32Array(BATCH * 3 * MOBILE_NET_SIDE ** 2);
        const here = some.slice(start, start + BATCH);
        for (const [i, { picture }] of here.entries()) {
          const prepared = prepareCrop(await decodePicture(pictureAt(picture)), {
            side: MOBILE_NET_SIDE,
            ...CLIP_PIXELS,
          });
          batch.set(prepared, i * prepared.length);
        }
        const found = await sessions.run(trace, { pictures: batch });
        const kept = (found.numbers as Float32Array).subarray(0, here.length * MOBILE_NET_FEATURES);
        all.set(kept, start * MOBILE_NET_FEATURES);
      }
      const shape = [some.length, MOBILE_NET_FEATURES];
      await writeSafetensors(file, [{ name: "features", dtype: "F32", shape, data: all }]);
      console.log(`${split} ${part * PART + some.length} of ${photos.length}`);
    }
  }
  await sessions.dispose();
}

/** The numbers of all photos of a split, in the order of the photos. */
async function readFeatures(work: string, split: Split, photos: number): Promise<Float32Array> {
  const all = new Float32Array(photos * MOBILE_NET_FEATURES);
  for (let part = 0; part * PART < photos; part++) {
    const file = await openWeights(partFile(work, split, part));
    all.set(await file.readFloat32("features"), part * PART * MOBILE_NET_FEATURES);
    await file.close();
  }
  return all;
}

/** Layers after the body and the text encoder, under the names of `clip(config)`. */
function headOf() {
  const s = new Scope();
  const { head } = mobileNetEncoder(s.at("visual"), config.image, config.embedding);
  const read = textEncoder(s, config.text, config.embedding);
  const scale = s.parameter("logit_scale", [], filled(Math.log(1 / 0.07)));
  const logits = s.layer((seen: Tensor, texts: Tensor) =>
    multiply(exp(scale), matmul(normalizeLength(seen), swapLast(normalizeLength(texts)))),
  );
  const parameters = s.parameters.filter(({ name }) => !name.startsWith("visual.body."));
  return { head, read, logits, parameters };
}

interface HeadBatch {
  readonly pictures: number;
  readonly features: Float32Array;
  readonly ids: BigInt64Array;
  readonly ends: BigInt64Array;
  readonly tokens: number;
}

function stepOf({ head, read, logits }: ReturnType<typeof headOf>) {
  type Sizes = { pictures: number; tokens: number };
  return new TracedStep<Sizes, Tensor>(
    {
      inputs: {
        features: { per: "picture", shape: ({ pictures }) => [pictures, MOBILE_NET_FEATURES] },
        ids: { per: "picture", type: "int64", shape: ({ pictures, tokens }) => [pictures, tokens] },
        ends: { per: "picture", type: "int64", shape: ({ pictures }) => [pictures] },
      },
      forward: ({ features: seen, ids, ends }) => logits(head(seen!), read(ids!, ends!)),
    },
    { loss_contrastive: { term: contrastiveTerm } },
    { threads: THREADS },
  );
}

/** Photos of different classes with one text each; a share of the numbers is dropped. */
async function composer(folder: string, work: string) {
  const { classes, photos } = await photosOf(folder, "train");
  const all = await readFeatures(work, "train", photos.length);
  const words = await openAiWords(config.text.vocabulary);
  const places = new Map(classes.map(({ key }) => [key, photos.flatMap((one, i) => (one.key === key ? [i] : []))]));
  const templates = ["{}", ...imagenetTemplates];
  const compose = (job: number): HeadBatch => {
    const random = new Random(SEED, "batch", job);
    const some = random.shuffled([...classes]).slice(0, PICTURES);
    const features = new Float32Array(PICTURES * MOBILE_NET_FEATURES);
    some.forEach(({ key }, row) => {
      const place = random.pick(places.get(key)!);
      const own = all.subarray(place * MOBILE_NET_FEATURES, (place + 1) * MOBILE_NET_FEATURES);
      features.set(threeQuartersOf(own, random), row * MOBILE_NET_FEATURES);
    });
    // Half of the texts have the name alone or in the simplest template, as most users write them.
    const texts = some.map(({ names }) =>
      named(
        random.chance(0.5) ? random.pick(templates) : "a photo of a {}.",
        random.chance(0.6) ? names[0]! : random.pick(names),
      ),
    );
    const { context } = config.text;
    const rows = words.rows(texts, { length: context, long: "end" });
    const { ids, tokens } = withoutPadding(rows, context);
    return { pictures: PICTURES, features, ids, ends: endPlaces(ids, tokens), tokens };
  };
  return localBatchSource<HeadBatch>({ compose });
}

/** A quarter of the numbers become 0, the others grow by a third (Srivastava et al. 2014). */
function threeQuartersOf(numbers: Float32Array, random: Random): Float32Array {
  let bits = 0;
  return numbers.map((value, i) => {
    bits = i % 16 === 0 ? random.next() : bits >>> 2;
    return (bits & 3) === 0 ? 0 : (value * 4) / 3;
  });
}

async function trainHead(folder: string, work: string): Promise<void> {
  const model = headOf();
  const random = new Random(SEED, "weights");
  const weights = new Map(
    model.parameters.map(({ name, shape, initialise }) => [name, initialise(shape, () => random.unit())]),
  );
  const step = stepOf(model);
  const source = await composer(folder, work);
  const groups = parameterGroups(weights.keys(), {
    learningRate: 0.002,
    weightDecay: 0.2,
    rules: [{ pattern: /bias|ln_|logit_scale/, weightDecay: 0 }],
  });
  const score = await scorer(folder, work, model);
  await withInterruption((signal) =>
    train<HeadBatch>({
      weights,
      step: (current, { pictures, tokens, ...arrays }) => {
        limitLogitScale(current);
        return step.run(current, { sizes: { pictures, tokens }, arrays });
      },
      source,
      optimizer: new AdamW(groups),
      totalSteps: STEPS,
      learningRate: withWarmup(cosine({ totalSteps: STEPS, floor: 0.01 }), { steps: 100 }),
      clip: 1,
      averageDecay: 0.99,
      evaluation: {
        every: 100,
        best: "right of 20",
        run: async ({ average }) => {
          const scores = await score(average!);
          console.log(JSON.stringify(scores));
          return scores;
        },
      },
      checkpoints: { folder: work, every: 50, resume: true },
      listeners: [
        {
          stepped: ({ step: done, loss, seconds }) => {
            if (done % 50 === 0) console.log(`step ${done} loss ${loss.toFixed(3)} ${seconds.toFixed(2)} s`);
          },
        },
      ],
      signal,
    }),
  );
  await writeModel(work);
  await step.dispose();
}

/** Writes the best averaged weights so far, with the body's, as a model in float16. */
async function writeModel(work: string): Promise<void> {
  const body = await bodyWeights();
  const best = await readCheckpoint(checkpointFile(work, "best"));
  const found = new Map([...body, ...best.average!]);
  limitLogitScale(found);
  const tensors = clip(config).parameters.map(({ name, shape }) => ({
    ...{ name, dtype: "F16" as const, shape },
    data: fromFloat32("F16", found.get(name)!),
  }));
  await writeSafetensors(join(work, "model.safetensors"), tensors);
}

/** The share of photos of the split val whose name is the best of all, and of 20 drawn ones. */
async function scorer(folder: string, work: string, { head, read }: ReturnType<typeof headOf>) {
  const { classes, photos } = await photosOf(folder, "val");
  const all = await readFeatures(work, "val", photos.length);
  const words = await openAiWords(config.text.vocabulary);
  const { context } = config.text;
  const rows = words.rows(
    classes.map(({ name }) => named("a photo of a {}.", name)),
    { length: context, long: "end" },
  );
  const seen = lower({ seen: normalizeLength(head(input("features", [photos.length, MOBILE_NET_FEATURES]))) });
  const ids = input("ids", [classes.length, context], "int64");
  const told = lower({ told: normalizeLength(read(ids, input("ends", [classes.length], "int64"))) });
  const sessions = new SessionCache({ threads: THREADS });
  return async (weights: ReadonlyMap<string, Float32Array>) => {
    const settings = { weights: new Map(weights) };
    const pictures = (await sessions.run(seen, { features: all }, settings)).seen as Float32Array;
    const texts = (await sessions.run(told, { ids: rows, ends: endPlaces(rows, context) }, settings))
      .told as Float32Array;
    const random = new Random(SEED, "names asked");
    const D = config.embedding;
    const row = (from: Float32Array, i: number) => from.subarray(i * D, (i + 1) * D);
    let [right, ofFew] = [0, 0];
    photos.forEach(({ key }, i) => {
      const own = classes.findIndex((one) => one.key === key);
      const cosines = classes.map((_, k) => dot(row(pictures, i), row(texts, k)));
      if (rankOf(cosines, own) === 0) right++;
      for (let draw = 0; draw < 5; draw++) {
        const others = random.shuffled(cosines.filter((_, k) => k !== own)).slice(0, 19);
        if (others.every((cosine) => cosine < cosines[own]!)) ofFew += 0.2;
      }
    });
    return { right: right / photos.length, "right of 20": ofFew / photos.length };
  };
}

const [what, folder = "tiny-imagenet", work = "runs/small-clip"] = process.argv.slice(2);
if (what === "features") await features(folder, work);
else if (what === "train") await trainHead(folder, work);
else if (what === "write") await writeModel(work);
else console.error("usage: small-clip.ts features|train|write PHOTOS WORK");
