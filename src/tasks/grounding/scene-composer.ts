/** Composes training batches of generated scenes, in worker threads. */

import { Random } from "../../data/random.ts";
import {
  composeScene,
  renderWorld,
  type Scene,
  type SceneOptions,
  type World,
  type WorldOptions,
} from "../../data/scenes/index.ts";
import { RecipeError } from "../../errors.ts";
import { prepareImage } from "../../inputs/pictures/prepare-image.ts";
import { captionOfClasses } from "../../inputs/words/prompts.ts";
import { readWords } from "../../inputs/words/read-words.ts";
import type { WordPieces } from "../../inputs/words/word-pieces.ts";
import {
  assembleBatch,
  type BatchSetup,
  buffersOf,
  type Corners,
  type Example,
  type NamedCaption,
} from "./assemble-batch.ts";
import type { Names } from "./contrast.ts";
import type { GroundingBatch } from "./training-step.ts";

/** A caption with all names in it; in a list, these include names that are not in the scene. */
type SceneWords = NamedCaption & { listed?: Names["words"] };

export interface SceneComposerSetup extends BatchSetup {
  /** Cache folder for rendered drawings. */
  sprites: string;
  world: WorldOptions;
  /** Maximum number of things in a scene, and their minimum size. */
  scene: Pick<SceneOptions, "objects" | "smallest">;
  /** Fraction of captions that are sentences about the scene; the others are lists of names. */
  sentences: number;
  /** Maximum number of names in a list. */
  names: number;
}

/** Batch number `job` depends only on the number and the setup. */
export async function createComposer(setup: SceneComposerSetup): Promise<{
  compose(job: number): GroundingBatch;
  transfer(batch: GroundingBatch): ArrayBuffer[];
}> {
  const world = await renderWorld(setup.sprites, setup.world);
  const { pieces } = await readWords(setup.words);
  if (!pieces) throw new RecipeError("scenes have captions, which a model of fixed classes cannot read");
  return {
    compose: (job) => {
      const random = new Random(setup.seed, "batch", job);
      const side = random.pick(setup.sizes);
      const examples = Array.from({ length: setup.pictures }, () => exampleOf(side, setup, world, pieces, random));
      return assembleBatch(examples, setup);
    },
    transfer: buffersOf,
  };
}

function exampleOf(side: number, setup: SceneComposerSetup, world: World, pieces: WordPieces, random: Random): Example {
  const scene = composeScene(world, random.below(2 ** 31), { ...setup.scene, width: side, height: side });
  const { words, encoding } = wordsThatFit(scene, setup, world, pieces, random);
  return {
    image: prepareImage(scene.picture, { ...setup.preparation, size: { short: side, max: side } }),
    encoding,
    boxes: scene.objects.map(({ box }) => inclusive(box)),
    spans: words.spans,
    ...(setup.losses?.includes("loss_contrast") ? { names: namesOf(scene, words, world) } : {}),
  };
}

/** A caption of at most `tokens` tokens; if it is too long, only the names in the scene. */
function wordsThatFit(scene: Scene, setup: SceneComposerSetup, world: World, pieces: WordPieces, random: Random) {
  const first = random.chance(setup.sentences) ? sentence(scene) : nameList(scene, world, setup.names, random);
  for (const words of [first, nameList(scene, world, 1, random)]) {
    const encoding = pieces.encode(words.caption);
    if (encoding.ids.length <= setup.tokens) return { words, encoding };
  }
  throw new RecipeError(
    `the names of a scene need more than ${setup.tokens} tokens; raise data.tokens or lower data.objects`,
  );
}

/** Names in the scene and other names, shuffled: "dog. apple. chair" (GLIP `od_to_grounding.py`). */
function nameList(scene: Scene, world: World, most: number, random: Random): SceneWords {
  const present = [...new Set(scene.objects.map((object) => object.name))];
  const absent = random.shuffled(
    world.names.filter((name) => !present.some((seen) => seen === name || world.relatedTo(seen).has(name))),
  );
  const count = random.below(Math.max(1, most - present.length + 1));
  const names = random.shuffled([...present, ...absent.slice(0, count)]);
  const { caption, spans } = captionOfClasses(names);
  const listed = names.map((name, k) => ({ name, span: spans[k]! }));
  return { caption, spans: scene.objects.map((object) => [spans[names.indexOf(object.name)]!]), listed };
}

/** The names in the caption: all names of a list, or the names of things that a sentence's phrases refer to. */
function namesOf({ objects }: Scene, { spans, listed }: SceneWords, world: World): Names {
  const said = listed ?? spans.flatMap((own, i) => own.map((span) => ({ name: objects[i]!.name, span })));
  const boxes = objects.map(({ name }) => name);
  return { words: said, boxes, isRelated: (name, other) => world.relatedTo(name).has(other) };
}

/** The scene's sentence; a thing is a target of every phrase that refers to it. */
function sentence(scene: Scene): SceneWords {
  const spans = scene.objects.map((_, i) => scene.phrases.filter((p) => p.objects.includes(i)).map((p) => p.span));
  return { caption: scene.caption, spans };
}

/** In the reference, right and lower edges belong to the boxes. */
function inclusive([left, top, right, bottom]: Corners): Corners {
  return [left, top, right - 1, bottom - 1];
}
