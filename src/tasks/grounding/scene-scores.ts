/** Scores a model on generated scenes: recall and false positives at a threshold. */

import { overlapPlain } from "../../boxes/overlap.ts";
import { Random } from "../../data/random.ts";
import { composeScene, type Scene, type SceneObject, type SceneOptions, type World } from "../../data/scenes/index.ts";
import type { Detection } from "../finding/detection.ts";
import type { GroundingModel } from "../finding/grounding-model.ts";

export interface SceneScoresOptions {
  pictures: number;
  seed: number;
  scene: SceneOptions;
  /** Number of names in each prompt, of things in the scene and of others. */
  names: number;
  threshold: number;
}

export interface SceneScores {
  /** Recall: the fraction of things found by a detection with their name and an overlap of at least 0.5. */
  found: number;
  /** False positives per picture, including second detections of one thing. */
  falseAlarms: number;
  things: number;
}

const HIT = 0.5;

export async function scoreScenes(
  model: GroundingModel,
  world: World,
  options: SceneScoresOptions,
): Promise<SceneScores> {
  const { pictures, seed, threshold } = options;
  let hits = 0;
  let alarms = 0;
  let things = 0;
  for (let i = 0; i < pictures; i++) {
    const random = new Random(seed, "scores", i);
    const scene = composeScene(world, random.below(2 ** 31), options.scene);
    const names = promptFor(scene, world, options.names, random);
    const detections = await model.detect({ ...scene.picture, channels: 3 }, names, { threshold });
    const found = countHits(scene, detections);
    hits += found;
    alarms += detections.length - found;
    things += scene.objects.length;
  }
  return { found: hits / Math.max(1, things), falseAlarms: alarms / pictures, things };
}

/** The names of a scene, mixed with names that are not in it. */
export function promptFor(scene: Scene, world: World, count: number, random: Random): string[] {
  const present = [...new Set(scene.objects.map((object) => object.name))];
  const absent = world.names.filter(
    (name) => !present.some((seen) => seen === name || world.relatedTo(seen).has(name)),
  );
  return random.shuffled([...present, ...random.shuffled(absent).slice(0, Math.max(0, count - present.length))]);
}

/** The number of things found in a picture. Each detection, best first, is matched with the thing of its name that it overlaps most. */
export function countHits(
  scene: { readonly objects: readonly Pick<SceneObject, "name" | "box">[] },
  detections: readonly Detection[],
): number {
  const taken = new Set<number>();
  for (const { label, box } of detections) {
    const corners = [box.xmin, box.ymin, box.xmax, box.ymax];
    let best = HIT;
    let at = -1;
    scene.objects.forEach((object, i) => {
      if (object.name !== label || taken.has(i)) return;
      const overlap = overlapPlain(Float32Array.from(corners), 0, Float32Array.from(object.box), 0);
      if (overlap >= best) [best, at] = [overlap, i];
    });
    if (at >= 0) taken.add(at);
  }
  return taken.size;
}
