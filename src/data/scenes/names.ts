/** The table of names: which icons show a thing, and which names and styles are held out of training. */

import { readFileSync } from "node:fs";
import { z } from "zod";

const namesToIcons = z.record(z.string(), z.array(z.string()).min(1));

const tableShape = z.strictObject({
  styles: z.strictObject({ training: z.array(z.string()), "held out": z.array(z.string()) }),
  everyday: namesToIcons,
  names: namesToIcons,
  novel: namesToIcons,
  kin: z.record(z.string(), z.array(z.string())),
  dropped: z.array(z.string()),
  otherwise: z.record(z.string(), z.record(z.string(), z.string())),
});

const modelsShape = z.object({ names: namesToIcons, kin: z.record(z.string(), z.array(z.string())) });

const moreShape = z.strictObject({
  drawings: z.record(z.string(), namesToIcons),
  kin: z.record(z.string(), z.array(z.string())),
});

/** Styles are icon sets, names are words for things, icons are the ids that most sets share. */
export interface NameTable {
  /** Drawing styles seen in training. */
  readonly trainingStyles: readonly string[];
  /** Drawing styles used only in the split "style". */
  readonly heldOutStyles: readonly string[];
  /** The fifty names of the first world, a part of `names`. */
  readonly everyday: readonly string[];
  /** Icons by name, for names seen in training. */
  readonly names: ReadonlyMap<string, readonly string[]>;
  /** Names that only rendered models show. */
  readonly modelled: readonly string[];
  /** Icons by name, for names that no training scene shows. */
  readonly novel: ReadonlyMap<string, readonly string[]>;
  /** By style, names and icons that only training may show, by the ids of that style. */
  readonly more: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;
  /** Names that can be true of the same thing, or that look too similar: never in one scene. */
  relatedTo(name: string): ReadonlySet<string>;
  /** The id of an icon within a set, or nothing if the set's drawing shows something else. */
  idIn(style: string, icon: string): string | undefined;
}

const none: ReadonlySet<string> = new Set();

/** Reads `names.json`, `models.json` and `more.json` of `assets/world`. */
export function readNameTable(): NameTable {
  const table = tableShape.parse(readAsset("names.json"));
  const models = modelsShape.parse(readAsset("models.json"));
  const more = moreShape.parse(readAsset("more.json"));
  const names = new Map(Object.entries({ ...table.everyday, ...table.names }));
  const dropped = new Set(table.dropped);
  const kin = new Map<string, Set<string>>();
  for (const [name, others] of [table, models, more].flatMap(({ kin }) => Object.entries(kin)))
    for (const other of others) {
      kin.set(name, (kin.get(name) ?? new Set()).add(other));
      kin.set(other, (kin.get(other) ?? new Set()).add(name));
    }
  return {
    trainingStyles: table.styles.training,
    heldOutStyles: table.styles["held out"],
    everyday: Object.keys(table.everyday),
    names,
    modelled: Object.keys(models.names).filter((name) => !names.has(name)),
    novel: new Map(Object.entries(table.novel)),
    more: new Map(Object.entries(more.drawings).map(([style, icons]) => [style, new Map(Object.entries(icons))])),
    relatedTo: (name) => kin.get(name) ?? none,
    idIn(style, icon) {
      if (dropped.has(`${style}:${icon}`)) return undefined;
      const plain = style === "fxemoji" ? icon.replaceAll("-", "") : icon;
      return table.otherwise[style]?.[icon] ?? plain;
    },
  };
}

function readAsset(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../assets/world/${name}`, import.meta.url), "utf8"));
}
