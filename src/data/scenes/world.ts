/** The things that scenes of a split can show. */

import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { Random } from "../random.ts";
import { type NameTable, readNameTable } from "./names.ts";
import { lookOf, type PaintWord } from "./paint.ts";
import { checkIconSets, loadMoreSprites, loadSprites, readSprites, renderStyle, type Sprite } from "./sprites.ts";

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
  checkIconSets(stylesOf(options, table));
  const wanted = options.names === "everyday" ? table.everyday : options.names;
  const known = knownNames(options, table);
  const packs = packsOf(folder, options, { table, wanted });
  const sprites = new Map<string, Sprite[][]>([...(wanted ?? known)].map((name) => [name, []]));
  const naturalPairs = split === "compose" ? naturalPairsOf(packs, sprites) : new Set<string>();
  const isShown = (sprite: Sprite) =>
    sprites.has(sprite.name) &&
    known.has(sprite.name) &&
    (split !== "compose" || paintsOf(sprite, naturalPairs).length > 0);
  for (const pack of packs)
    for (const [name, drawings] of byName(pack.filter(isShown))) sprites.get(name)?.push(drawings);
  const names = [...sprites.keys()].filter((name) => sprites.get(name)?.length);
  const absent = (options.names === "everyday" ? [] : (options.names ?? [])).filter((name) => !names.includes(name));
  if (absent.length > 0 || names.length === 0)
    throw new InputError(
      `split ${split} has no drawings of: ${absent.join(", ") || "anything"}; its names are ${[...known].join(", ")}`,
    );
  const grounds = options.grounds ? loadPack(folder, "grounds") : [];
  return { split, names, relatedTo: table.relatedTo, sprites, naturalPairs, grounds };
}

/** The same in less memory, if drawings are to be rendered. */
export async function renderWorld(folder: string, options: WorldOptions = {}): Promise<World> {
  const table = readNameTable();
  const styles = new Set(stylesOf(options, table));
  checkIconSets([...styles]);
  for (const style of styles) await renderStyle(folder, style, table);
  return loadWorld(folder, options);
}

/** The names that a split has. */
function knownNames(options: WorldOptions, table: NameTable): Set<string> {
  const { split = "train" } = options;
  return new Set([
    ...(split === "novel" ? [] : table.names.keys()),
    ...(split === "novel" || split === "web" ? table.novel.keys() : []),
    ...(showsModels(options) ? table.modelled : []),
    ...(showsMore(options) ? [...table.more.values()].flatMap((icons) => [...icons.keys()]) : []),
  ]);
}

/** The drawings of a split by style; a style that is chosen several times as often stands several times. */
function packsOf(
  folder: string,
  options: WorldOptions,
  { table, wanted }: { table: NameTable; wanted: readonly string[] | undefined },
): Sprite[][] {
  const asked = wanted && new Set(wanted);
  // If only a few names are wanted, the drawings of the others (hundreds of megabytes) are not read.
  const named = (name: string) => !asked || asked.has(name);
  const styles = options.split === "style" ? table.heldOutStyles : table.trainingStyles;
  const packs = styles.map((style) => loadSprites(folder, style, table, named));
  if (showsModels(options)) packs.push(...new Array<Sprite[]>(modelWeight).fill(loadPack(folder, "models")));
  if (!showsMore(options)) return packs;
  const more = [...table.more.keys()].map((style) => loadMoreSprites(folder, style, table, named));
  return [...packs, ...packs, ...more];
}

function showsModels({ models, split }: WorldOptions): boolean {
  return models === true && split !== "style" && split !== "novel";
}

function showsMore({ more, split = "train" }: WorldOptions): boolean {
  return more === true && split === "train";
}

function byName(sprites: readonly Sprite[]): Map<string, Sprite[]> {
  const groups = new Map<string, Sprite[]>();
  for (const sprite of sprites) {
    const group = groups.get(sprite.name);
    if (group) group.push(sprite);
    else groups.set(sprite.name, [sprite]);
  }
  return groups;
}

function naturalPairsOf(packs: readonly Sprite[][], names: ReadonlyMap<string, unknown>): Set<string> {
  const shown = packs.flat().filter(({ name }) => names.has(name));
  return new Set(shown.map((sprite) => `${lookOf(sprite).word} ${sprite.name}`));
}

/** Throws InputError that names all missing icon sets which these worlds need. */
export function checkIconSetsOf(...worlds: readonly Pick<WorldOptions, "split" | "more">[]): void {
  const table = readNameTable();
  checkIconSets(worlds.flatMap((world) => stylesOf(world, table)));
}

function stylesOf(options: Pick<WorldOptions, "split" | "more">, table: NameTable): string[] {
  const styles = options.split === "style" ? table.heldOutStyles : table.trainingStyles;
  return [...styles, ...(showsMore(options) ? table.more.keys() : [])];
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
