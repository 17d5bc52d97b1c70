/** Batches of generated scenes, ready for a training step; made in worker threads. */

import { readFileSync } from "node:fs";
import { Random } from "../../data/random.ts";
import {
  composeScene,
  loadWorld,
  type Scene,
  type SceneOptions,
  type World,
  type WorldOptions,
} from "../../data/scenes/index.ts";
import { RecipeError } from "../../errors.ts";
import { prepareImage } from "../../inputs/prepare-image.ts";
import { captionOfClasses } from "../../inputs/prompts.ts";
import { tokenPositions } from "../../inputs/spans.ts";
import { WordPieces } from "../../inputs/word-pieces.ts";
import { anchorsOf, type PictureTruth, targetsOf } from "./targets.ts";
import type { GroundingBatch } from "./training-step.ts";

export interface SceneComposerSetup {
  /** Folder of the rendered drawings. */
  sprites: string;
  world: WorldOptions;
  /** How many things scenes hold at most, and how small they may be. */
  scene: Pick<SceneOptions, "objects" | "smallest">;
  /** File with one token a line. */
  vocabulary: string;
  seed: number;
  pictures: number;
  /** Sides of the square pictures; one is drawn for each batch. */
  sizes: readonly number[];
  /** Tokens of every caption, padded; longer ones are not used. */
  tokens: number;
  maxTokens: number;
  /** Share of captions that are sentences about the scene; the others are lists of names. */
  sentences: number;
  /** Most names of a list. */
  names: number;
}

interface Words {
  caption: string;
  /** For each box the characters that name it. */
  spans: readonly (readonly (readonly [number, number])[])[];
  boxes: readonly (readonly [number, number, number, number])[];
}

/** Batch number `job` depends on nothing but the number and the setup. */
export function createComposer(setup: SceneComposerSetup): {
  compose(job: number): GroundingBatch;
  transfer(batch: GroundingBatch): ArrayBuffer[];
} {
  const world = loadWorld(setup.sprites, setup.world);
  const pieces = WordPieces.parse(readFileSync(setup.vocabulary, "utf8"));
  return {
    compose: (job) => composeBatch(job, setup, world, pieces),
    transfer: ({ image, targets }) => [image.buffer, ...Object.values(targets).map((t) => t.buffer)] as ArrayBuffer[],
  };
}

function composeBatch(job: number, setup: SceneComposerSetup, world: World, pieces: WordPieces): GroundingBatch {
  const { pictures, tokens, maxTokens } = setup;
  const random = new Random(setup.seed, "batch", job);
  const side = random.pick(setup.sizes);
  const padded = Math.ceil(side / 32) * 32;
  const image = new Float32Array(pictures * 3 * padded * padded);
  const ids = new BigInt64Array(pictures * tokens);
  const mask = new Float32Array(pictures * tokens);
  const truths: PictureTruth[] = [];
  for (let i = 0; i < pictures; i++) {
    const scene = composeScene(world, random.below(2 ** 31), { ...setup.scene, width: side, height: side });
    const { words, encoding } = wordsThatFit(scene, setup, world, pieces, random);
    for (let t = 0; t < encoding.ids.length; t++) {
      ids[i * tokens + t] = BigInt(encoding.ids[t]!);
      mask[i * tokens + t] = 1;
    }
    image.set(prepareImage(scene.picture, { short: side, max: side }).tensor, i * 3 * padded * padded);
    const named = words.spans.map((spans) => spans.flatMap((span) => tokenPositions(encoding, span, tokens)));
    const kept = named.flatMap((positions, box) => (positions.length > 0 ? [box] : []));
    truths.push({
      boxes: Float32Array.from(kept.flatMap((box) => inclusive(words.boxes[box]!))),
      tokens: kept.map((box) => named[box]!),
    });
  }
  const targets = targetsOf(truths, anchorsOf(padded, padded), { tokens, maxTokens });
  return { image, pictures, height: padded, width: padded, ids, mask, tokens, targets };
}

/** A caption of at most `tokens` tokens: one too long gives way to the names in the scene alone. */
function wordsThatFit(scene: Scene, setup: SceneComposerSetup, world: World, pieces: WordPieces, random: Random) {
  const first = random.chance(setup.sentences) ? sentence(scene) : nameList(scene, world, setup.names, random);
  for (const words of [first, nameList(scene, world, 1, random)]) {
    const encoding = pieces.encode(words.caption);
    if (encoding.ids.length <= setup.tokens) return { words, encoding };
  }
  throw new RecipeError(
    `a scene's names alone take more than ${setup.tokens} tokens; raise data.tokens or lower data.objects`,
  );
}

/** Names in the scene and others that are not, shuffled: "dog. apple. chair" (GLIP `od_to_grounding.py`). */
function nameList(scene: Scene, world: World, most: number, random: Random): Words {
  const present = [...new Set(scene.objects.map((object) => object.name))];
  const absent = random.shuffled(
    world.names.filter((name) => !present.some((seen) => seen === name || world.kinOf(seen).has(name))),
  );
  const count = random.below(Math.max(1, most - present.length + 1));
  const names = random.shuffled([...present, ...absent.slice(0, count)]);
  const { caption, spans } = captionOfClasses(names);
  return {
    caption,
    spans: scene.objects.map((object) => [spans[names.indexOf(object.name)]!]),
    boxes: scene.objects.map((object) => object.box),
  };
}

/** The scene's own caption; a thing that several phrases mean answers to all of them. */
function sentence(scene: Scene): Words {
  const spans = scene.objects.map((_, i) => scene.phrases.filter((p) => p.objects.includes(i)).map((p) => p.span));
  return { caption: scene.caption, spans, boxes: scene.objects.map((object) => object.box) };
}

/** Right and lower edges of the reference's boxes belong to them. */
function inclusive([left, top, right, bottom]: readonly [number, number, number, number]): number[] {
  return [left, top, right - 1, bottom - 1];
}
