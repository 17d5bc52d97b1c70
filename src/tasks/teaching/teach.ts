/** Prompt tuning from a few boxes: learned vectors for names, without a change of the model (GLIP, section 5). Runs in Node and in a page. */

import { anchorsOf, levelsOf } from "../../boxes/anchors.ts";
import { InputError } from "../../errors.ts";
import { gradients } from "../../grad/index.ts";
import type { Pass } from "../../inputs/words/prompts.ts";
import { AdamW } from "../../learning/adamw.ts";
import { cosine } from "../../learning/schedules.ts";
import { add, input, reshape, type Tensor } from "../../tensor/index.ts";
import type { AdaptedPrompt } from "../finding/adapted-prompt.ts";
import type { Box } from "../finding/detection.ts";
import type { CachedPicture } from "../finding/feature-cache.ts";
import type { GroundingModel } from "../finding/grounding-model.ts";
import { TUNABLE_PROMPT } from "../finding/tunable-prompt.ts";
import { type GroundingTerm, glipLosses, type LossName, lossTerms } from "../grounding/loss-terms.ts";
import { type TargetNumbers, targetsOf } from "../grounding/targets.ts";

/** A picture with all things in it that bear one of the taught names; whatever has no box is background. */
export interface TaughtPicture<Source> {
  image: Source;
  boxes: readonly { label: string; box: Box }[];
}

/** How long and how fast `teach` learns, and how it is watched and stopped. */
export interface TeachOptions {
  /** Passes over the pictures (default: 40). */
  passes?: number;
  /** Default: 0.05, as in `adapt --method prompt`. */
  learningRate?: number;
  /** Called after each pass with the loss, the mean over the pictures. */
  passed?(pass: number, passes: number, loss: number): void;
  /** Stops after the current picture; the promise is rejected with its reason. */
  signal?: AbortSignal;
}

const WEIGHT_DECAY = 0.25;

/**
 * Learns vectors for the names of the boxes and returns a prompt for `detect`. The features of the pictures are computed once, so a pass
 * takes a part of the time of finding. Throws InputError if there are no boxes, or for a model that cannot read prompts.
 */
export async function teach<Source>(
  model: GroundingModel<Source>,
  pictures: readonly TaughtPicture<Source>[],
  { passes = 40, learningRate = 0.05, passed, signal }: TeachOptions = {},
): Promise<AdaptedPrompt> {
  const names = [...new Set(pictures.flatMap(({ boxes }) => boxes.map(({ label }) => label)))];
  if (names.length === 0) throw new InputError("there are no boxes to learn from; give at least one with its name");
  const pass = onePass(model, names);
  const lessons: Lesson[] = [];
  for (const { image, boxes } of pictures)
    lessons.push(lessonOf(await model.look(image, {}), boxes, { pass, names, model }));
  const { vectors, tokens } = await model.finder.features.ofCaption(pass);
  const learned = new Float32Array(vectors.length);
  const optimizer = new AdamW(new Map([[TUNABLE_PROMPT, { learningRate, weightDecay: WEIGHT_DECAY, frozen: false }]]));
  const rate = cosine({ totalSteps: passes * lessons.length, floor: 0.01 });
  for (let done = 0; done < passes; done++) {
    let sum = 0;
    for (const [i, lesson] of lessons.entries()) {
      signal?.throwIfAborted();
      const { loss, gradient } = await slopes(model, lesson, { vectors, learned, tokens });
      sum += loss;
      const norm = Math.sqrt(gradient.reduce((squares, x) => squares + x * x, 0));
      optimizer.step(new Map([[TUNABLE_PROMPT, learned]]), new Map([[TUNABLE_PROMPT, gradient]]), {
        learningRate: rate(done * lessons.length + i),
        gradient: 1 / Math.max(1, norm),
      });
    }
    passed?.(done + 1, passes, sum / lessons.length);
  }
  return { classes: names, vectors: learned, tokens, inPlace: false, base: model.base };
}

/** The features of a picture and the targets of the losses. */
interface Lesson {
  seen: CachedPicture;
  targets: TargetNumbers;
}

function onePass<Source>({ source }: GroundingModel<Source>, names: readonly string[]): Pass {
  const { pieces } = source.words;
  if (!pieces) throw new InputError("this model cannot read prompts, so it cannot learn names; use a GLIP model");
  const { passes } = source.words.promptOf(names, { maxTokens: source.model.maxTokens });
  if (passes.length > 1)
    throw new InputError(`the ${names.length} names do not fit into one prompt; teach fewer at once`);
  return passes[0]!;
}

function lessonOf<Source>(
  seen: CachedPicture,
  boxes: TaughtPicture<Source>["boxes"],
  { pass, names, model }: { pass: Pass; names: readonly string[]; model: GroundingModel<Source> },
): Lesson {
  const { features, picture } = seen;
  const { width, height } = picture.images.model;
  const [x, y] = [width / picture.width, height / picture.height];
  const corners = boxes.flatMap(({ box: { xmin, ymin, xmax, ymax } }) => [xmin * x, ymin * y, xmax * x, ymax * y]);
  const truth = {
    boxes: Float32Array.from(corners),
    tokens: boxes.map(({ label }) => pass.labelTokens[names.indexOf(label)]!),
  };
  const { maxTokens } = model.source.model;
  const targets = targetsOf([truth], anchorsOf(features.height, features.width), {
    tokens: pass.ids.length,
    maxTokens,
  });
  return { seen, targets };
}

const losses = Object.keys(glipLosses) as LossName[];
const MAPS = ["p3", "p4", "p5", "p6", "p7"] as const;

/** The loss of a picture and its gradient for the learned vectors [tokens, d]. */
async function slopes<Source>(
  { predictor }: GroundingModel<Source>,
  { seen, targets }: Lesson,
  { vectors, learned, tokens }: { vectors: Float32Array; learned: Float32Array; tokens: number },
): Promise<{ loss: number; gradient: Float32Array }> {
  const { maps, height, width } = seen.features;
  const build = () => lessonTensors(predictor.model, { pictures: 1, height, width, tokens });
  const fed = {
    ...Object.fromEntries(MAPS.map((name, i) => [name, maps[i]!])),
    ...{ vectors, learned, mask: new Float32Array(tokens).fill(1), ...targets },
    "target.mask": new Float32Array(tokens).fill(1),
  };
  const found = await predictor.run(`teach ${height} ${width} ${tokens}`, build, fed);
  return { loss: (found.loss as Float32Array)[0]!, gradient: found.gradient as Float32Array };
}

function lessonTensors(
  { channels, textWidth, answer }: GroundingModel["predictor"]["model"],
  sizes: { pictures: 1; height: number; width: number; tokens: number },
): Record<string, Tensor> {
  const { height, width, tokens } = sizes;
  const maps = levelsOf(height, width).map((level, i) => input(MAPS[i]!, [1, channels, level.height, level.width]));
  const learned = input("learned", [tokens, textWidth]);
  const vectors = add(input("vectors", [1, tokens, textWidth]), reshape(learned, [1, tokens, textWidth]));
  const levels = answer(maps, vectors, input("mask", [1, tokens]));
  const terms: GroundingTerm[] = losses.map((name) => lossTerms[name]);
  const targets: Record<string, Tensor> = {};
  for (const term of terms)
    for (const [name, { shape }] of Object.entries(term.targets)) targets[name] ??= input(name, shape(sizes));
  const loss = terms.map((term) => reshape(term.loss(levels, targets, sizes), [1])).reduce(add);
  return { loss, gradient: gradients(loss, [learned])[0]! };
}
