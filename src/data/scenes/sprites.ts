/** Drawn icons as pictures with transparency: rendered once per style into a file and then read from it. */

import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readFileSync, readSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { optionalNow } from "../../files/optional-package.ts";
import { writeWholeNow } from "../../files/write-whole.ts";
import type { NameTable } from "./names.ts";

/** One picture of one thing, cut to what is visible. */
export interface Sprite {
  readonly name: string;
  readonly style: string;
  readonly icon: string;
  readonly width: number;
  readonly height: number;
  /** RGBA, colours multiplied by alpha, width × height × 4. */
  readonly pixels: Uint8Array;
}

interface IconSet {
  readonly width?: number;
  readonly height?: number;
  readonly icons: Record<string, { body: string; width?: number; height?: number }>;
  readonly aliases?: Record<string, { parent: string }>;
}

export type Drawing = Pick<Sprite, "width" | "height" | "pixels">;

interface Entry {
  readonly name: string;
  readonly icon: string;
  readonly width: number;
  readonly height: number;
  readonly offset: number;
}

const side = 128;
const margin = 1;

/** A drawing that a style should have. */
interface Wanted {
  readonly name: string;
  readonly icon: string;
  /** Of the icon, within the set. */
  readonly id: string;
}

/** Whether a name's drawings are wanted. */
export type OfName = (name: string) => boolean;
const every: OfName = () => true;

/** A style's drawings of the names of all splits, without icons that the set does not have. Otherwise like `loadMoreSprites`. */
export function loadSprites(folder: string, style: string, table: NameTable, named = every): Sprite[] {
  return rendered({ folder, style, named }, wantedOf(style, table));
}

function wantedOf(style: string, table: NameTable): Wanted[] {
  return [...table.names, ...table.novel].flatMap(([name, icons]) =>
    icons.flatMap((icon) => {
      const id = table.idIn(style, icon);
      return id === undefined ? [] : [{ name, icon, id }];
    }),
  );
}

/**
 * Renders a style's drawings into `folder`, if they are not there yet. Pauses between drawings, because the renderer's memory is freed only
 * then: otherwise it grows by hundreds of megabytes.
 */
export async function renderStyle(folder: string, style: string, table: NameTable): Promise<void> {
  const wanted = table.more.has(style) ? moreWantedOf(style, table) : wantedOf(style, table);
  const path = pathOf(folder, style, wanted);
  if (existsSync(path)) return;
  const sprites: Sprite[] = [];
  for (const one of wanted) {
    sprites.push(...spriteOf(style, one));
    await new Promise(setImmediate);
  }
  writeSprites(path, sprites);
}

/**
 * The drawings of a style that is used only in training, from `folder` if they were rendered before. Throws InputError if the icon set
 * (`@iconify-json/STYLE`) is not installed.
 */
export function loadMoreSprites(folder: string, style: string, { more }: NameTable, named = every): Sprite[] {
  return rendered({ folder, style, named }, moreWantedOf(style, { more }));
}

function moreWantedOf(style: string, { more }: Pick<NameTable, "more">): Wanted[] {
  return [...(more.get(style) ?? [])].flatMap(([name, ids]) => ids.map((id) => ({ name, icon: id, id })));
}

/** Renders all wanted drawings into the file, and returns those of the requested names. */
function rendered(
  { folder, style, named }: { folder: string; style: string; named: OfName },
  wanted: readonly Wanted[],
): Sprite[] {
  const path = pathOf(folder, style, wanted);
  return readSprites(path, style, named) ?? renderSprites(path, style, wanted).filter(({ name }) => named(name));
}

function pathOf(folder: string, style: string, wanted: readonly Wanted[]): string {
  const version = installed<{ version: string }>(style, "package.json").version;
  const key = createHash("sha256")
    .update(JSON.stringify([version, side, wanted]))
    .digest("hex")
    .slice(0, 12);
  return join(folder, `${style}-${key}.sprites`);
}

/** The drawings in a file, or undefined if it does not exist. The pixels of other names are not read. */
export function readSprites(path: string, style: string, named = every): Sprite[] | undefined {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return undefined;
  }
  const read = (position: number, length: number) => {
    const bytes = new Uint8Array(length);
    if (readSync(file, bytes, 0, length, position) < length)
      throw new InputError(`${path} is truncated; delete it, and it is made again`);
    return bytes;
  };
  try {
    const start = 4 + Buffer.from(read(0, 4)).readUInt32LE(0);
    const entries = JSON.parse(Buffer.from(read(4, start - 4)).toString()) as Entry[];
    return entries
      .filter(({ name }) => named(name))
      .map(({ offset, ...entry }) => ({
        ...entry,
        style,
        pixels: read(start + offset, entry.width * entry.height * 4),
      }));
  } finally {
    closeSync(file);
  }
}

function renderSprites(path: string, style: string, wanted: readonly Wanted[]) {
  const sprites = wanted.flatMap((one) => spriteOf(style, one));
  writeSprites(path, sprites);
  return sprites;
}

/** One drawing; none if the set does not have it. */
function spriteOf(style: string, { name, icon, id }: Wanted): Sprite[] {
  const drawing = renderIcon(style, id);
  return drawing ? [{ name, style, icon, ...cutOut(drawing) }] : [];
}

/** Writes drawings of one style into a file that `readSprites` reads. */
export function writeSprites(path: string, sprites: readonly Sprite[]): void {
  let offset = 0;
  const entries = sprites.map(({ name, icon, width, height, pixels }): Entry => {
    const entry = { name, icon, width, height, offset };
    offset += pixels.length;
    return entry;
  });
  const header = Buffer.from(JSON.stringify(entries));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  writeWholeNow(path, Buffer.concat([length, header, ...sprites.map((sprite) => sprite.pixels)]));
}

/** One drawing of a set as pixels (RGBA, colours multiplied by alpha), undefined if the set has no such id. */
export function renderIcon(style: string, id: string): Drawing | undefined {
  const set = iconSet(style);
  const icon = set.icons[id] ?? set.icons[set.aliases?.[id]?.parent ?? ""];
  if (!icon) return undefined;
  const width = icon.width ?? set.width ?? 16;
  const height = icon.height ?? set.height ?? width;
  const names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"';
  const svg = `<svg ${names} viewBox="0 0 ${width} ${height}" color="${inkOf(id)}">${icon.body}</svg>`;
  const { Resvg } = optionalNow<typeof import("@resvg/resvg-js")>(
    () => createRequire(import.meta.url)("@resvg/resvg-js"),
    { purpose: "rendering drawings", packages: ["@resvg/resvg-js"] },
  );
  const image = new Resvg(svg, { fitTo: { mode: "width", value: side }, font: { loadSystemFonts: false } }).render();
  return { pixels: image.pixels, width: image.width, height: image.height };
}

/** Single-colour drawings can have any colour; the id selects one. */
function inkOf(id: string): string {
  const [hue, light] = createHash("sha256").update(id).digest();
  return `hsl(${Math.round((hue! * 360) / 256)}, 70%, ${20 + Math.round((light! * 40) / 256)}%)`;
}

const iconSets = new Map<string, IconSet>();

function iconSet(style: string): IconSet {
  const set = iconSets.get(style) ?? installed<IconSet>(style, "icons.json");
  iconSets.set(style, set);
  return set;
}

/** The smallest rectangle around everything that is not nearly transparent, with a margin of one pixel. */
export function cutOut({ pixels, width, height }: Drawing): Drawing {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if ((pixels[(y * width + x) * 4 + 3] ?? 0) >= 16) {
        left = Math.min(left, x);
        right = Math.max(right, x + 1);
        top = Math.min(top, y);
        bottom = Math.max(bottom, y + 1);
      }
  left = Math.max(0, left - margin);
  top = Math.max(0, top - margin);
  right = Math.min(width, right + margin);
  bottom = Math.min(height, bottom + margin);
  const cut = {
    width: right - left,
    height: bottom - top,
    pixels: new Uint8Array((right - left) * (bottom - top) * 4),
  };
  for (let y = top; y < bottom; y++) {
    const row = pixels.subarray((y * width + left) * 4, (y * width + right) * 4);
    cut.pixels.set(row, (y - top) * cut.width * 4);
  }
  return cut;
}

/** Throws InputError with one command that installs all missing icon sets of these styles. */
export function checkIconSets(styles: readonly string[]): void {
  const missing = [...new Set(styles)].filter((style) => placeOf(style, "package.json") === undefined);
  if (missing.length === 0) return;
  const { devDependencies = {} }: { devDependencies?: Record<string, string> } = JSON.parse(
    readFileSync(new URL("../../../package.json", import.meta.url), "utf8"),
  );
  const renderer = isInstalled("@resvg/resvg-js") ? [] : [`@resvg/resvg-js@${devDependencies["@resvg/resvg-js"]}`];
  const packages = missing.map((style) => {
    const version = devDependencies[`@iconify-json/${style}`];
    return `@iconify-json/${style}${version === undefined ? "" : `@${version}`}`;
  });
  const [sets, are] = missing.length === 1 ? ["the icon set", "is"] : ["the icon sets", "are"];
  throw new InputError(
    `${sets} ${missing.join(", ")} ${are} not installed; run: npm install ${[...packages, ...renderer].join(" ")}`,
  );
}

function installed<T>(style: string, file: string): T {
  checkIconSets([style]);
  return JSON.parse(readFileSync(placeOf(style, file)!, "utf8")) as T;
}

/** Path of a file of an icon set: next to this package, or in the working directory's project. */
function placeOf(style: string, file: string): string | undefined {
  for (const from of [import.meta.url, join(process.cwd(), "package.json")])
    try {
      return createRequire(from).resolve(`@iconify-json/${style}/${file}`);
    } catch {
      // The other place may have it.
    }
  return undefined;
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}
