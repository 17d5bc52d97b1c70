/** The things that scenes of a split can show. */

import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { Random } from "../random.ts";
import { type NameTable, readNameTable } from "./names.ts";
import { lookOf, type PaintWord } from "./paint.ts";
import { checkIconSets, loadMoreSprites, loadSprites, readSprites, type Sprite } from "./sprites.ts";

/**
 * Splits of the generated world: `train` for training; `seen` the same names and styles in other scenes; `style` a
 * held-out drawing style; `novel` held-out names; `compose` held-out pairs of colour and name; `web` trained
 * and held-out names, as in captions without boxes.
 */
export type Split = "train" | "seen" | "style" | "novel" | "compose" | "web";

/** The names of all splits. */
export const splits: readonly Split[] = ["train", "seen", "style", "novel", "compose", "web"];

/** Which split of the world to load, and which of its names. */
export interface WorldOptions {
  readonly split?: Split;
  /** "everyday" stands for the fifty names of the first world. */
  readonly names?: readonly string[] | "everyday";
  /** Also show models rendered by `scripts/world/models.ts` into `models.sprites`, with the names that only they have. Not in `style` and `novel`. */
  readonly models?: boolean;
  /** Half of the backgrounds are photos of walls, floors and soil, gathered by `scripts/world/grounds.ts` into `grounds.sprites`. */
  readonly grounds?: boolean;
  /** Also show the drawings and names of `assets/world/more.json`; each of the five styles then counts twice. Only in `train`. */
  readonly more?: boolean;
}

/** A set of things for scenes. */
export interface World {
  readonly split: Split;
  readonly names: readonly string[];
  /** Names that can also be true of things of the given name ("bird" of a duck), so they are not used as negatives. */
  relatedTo(name: string): ReadonlySet<string>;
  /** By name, one list of drawings for each style. */
  readonly sprites: ReadonlyMap<string, readonly (readonly Sprite[])[]>;
  /** Pairs of colour and name that unpainted drawings already show, so they are not new; only set in `compose`. */
  readonly naturalPairs?: ReadonlySet<string>;
  /** Probability that a drawing is painted in another colour; default 0.3, always in `compose`. */
  readonly painted?: number;
  /** Photos without nameable things, for backgrounds. */
  readonly grounds?: readonly Sprite[];
}

/**
 * Loads the world of one split (default `train`). Drawings are rendered into `folder` if they do not exist yet
 * (some seconds, once). Throws InputError for an icon set that is not installed and for names that the split does not have.
 */
export function loadWorld(folder: string, options: WorldOptions = {}): World {
  const { split = "train" } = options;
  const table = readNameTable();
  const known = new Set(split === "novel" ? [] : table.names.keys());
  if (split === "novel" || split === "web") for (const name of table.novel.keys()) known.add(name);
  checkIconSets(stylesOf(options, table));
  const wanted = options.names === "everyday" ? table.everyday : options.names;
  const asked = wanted && new Set(wanted);
  // If only a few names are wanted, the drawings of the others (hundreds of megabytes) are not read.
  const named = (name: string) => !asked || asked.has(name);
  let packs = (split === "style" ? table.heldOutStyles : table.trainingStyles).map((style) =>
    loadSprites(folder, style, table, named),
  );
  if (options.models && split !== "style" && split !== "novel") {
    for (const name of table.modelled) known.add(name);
    packs.push(...new Array<Sprite[]>(modelWeight).fill(loadPack(folder, "models")));
  }
  if (options.more && split === "train") {
    for (const name of [...table.more.values()].flatMap((icons) => [...icons.keys()])) known.add(name);
    packs = [
      ...packs,
      ...packs,
      ...[...table.more.keys()].map((style) => loadMoreSprites(folder, style, table, named)),
    ];
  }
  const sprites = new Map<string, Sprite[][]>();
  for (const name of wanted ?? known) sprites.set(name, []);
  const naturalPairs = new Set<string>();
  if (split === "compose")
    for (const sprite of packs.flat().filter(({ name }) => sprites.has(name)))
      naturalPairs.add(`${lookOf(sprite).word} ${sprite.name}`);
  for (const pack of packs) {
    const ofStyle = new Map<string, Sprite[]>();
    for (const sprite of pack) {
      if (!sprites.has(sprite.name) || !known.has(sprite.name)) continue;
      if (split === "compose" && paintsOf(sprite, naturalPairs).length === 0) continue;
      const drawings = ofStyle.get(sprite.name);
      if (drawings) drawings.push(sprite);
      else ofStyle.set(sprite.name, [sprite]);
    }
    for (const [name, drawings] of ofStyle) sprites.get(name)?.push(drawings);
  }
  const names = [...sprites.keys()].filter((name) => sprites.get(name)?.length);
  const absent = (options.names === "everyday" ? [] : (options.names ?? [])).filter((name) => !names.includes(name));
  if (absent.length > 0 || names.length === 0)
    throw new InputError(
      `split ${split} has no drawings of: ${absent.join(", ") || "anything"}; its names are ${[...known].join(", ")}`,
    );
  const grounds = options.grounds ? loadPack(folder, "grounds") : [];
  return { split, names, relatedTo: table.relatedTo, sprites, naturalPairs, grounds };
}

/** Throws InputError that names all missing icon sets which these worlds need. */
export function checkIconSetsOf(...worlds: readonly Pick<WorldOptions, "split" | "more">[]): void {
  const table = readNameTable();
  checkIconSets(worlds.flatMap((world) => stylesOf(world, table)));
}

function stylesOf({ split = "train", more = false }: Pick<WorldOptions, "split" | "more">, table: NameTable): string[] {
  const styles = split === "style" ? table.heldOutStyles : table.trainingStyles;
  return [...styles, ...(more && split === "train" ? table.more.keys() : [])];
}

/** Rendered models are chosen as often as three drawing styles. */
const modelWeight = 3;

function loadPack(folder: string, pack: "models" | "grounds"): Sprite[] {
  const path = join(folder, `${pack}.sprites`);
  const sprites = readSprites(path, pack);
  if (!sprites) throw new InputError(`${path} is missing; make it with scripts/world/${pack}.ts, or leave ${pack} out`);
  return sprites;
}

/** True for pairs of colour and name that only the split `compose` paints: one in five. */
export function isHeldOutPair(colour: PaintWord, name: string): boolean {
  return new Random("pair", colour, name).below(5) === 0;
}

/** Colours to paint with in training or, if the natural pairs are given, in `compose`. */
function paintsOf(sprite: Sprite, naturalPairs?: ReadonlySet<string>): readonly PaintWord[] {
  return lookOf(sprite).paints.filter((paint) =>
    naturalPairs
      ? isHeldOutPair(paint, sprite.name) && !naturalPairs.has(`${paint} ${sprite.name}`)
      : !isHeldOutPair(paint, sprite.name),
  );
}

/** The colour to paint a drawing with, if any: sometimes in most splits, always in `compose`. */
export function choosePaint(world: World, sprite: Sprite, random: Random): PaintWord | undefined {
  const heldOut = world.split === "compose";
  const wanted = random.chance(heldOut ? 1 : (world.painted ?? 0.3));
  const choice = random.unit();
  if (!wanted) return undefined;
  const paints = paintsOf(sprite, heldOut ? (world.naturalPairs ?? new Set()) : undefined);
  return paints[Math.floor(choice * paints.length)];
}
