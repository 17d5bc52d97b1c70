/** Class vectors of names: the mean over RegionCLIP's 81 templates, cached on disk by the content of the text encoder. */

import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { filled, regionTemplates, withoutMarks } from "../../inputs/words/templates.ts";
import { openWeights } from "../../weights/open-weights.ts";
import { jsonIn } from "../../weights/strict-json.ts";
import { writeSafetensors } from "../../weights/write-safetensors.ts";
import { modelCache } from "../../weights/zoo.ts";
import type { Encoder } from "../classifying/encoder.ts";
import { meanOf } from "../classifying/unit-vectors.ts";

/** Number of names computed and stored together; a killed run loses at most this many. */
const TOGETHER = 16;
const MOST_NAMES = 20_000;
const namesSchema = z.array(z.string());

/** A name and its vector in a file of the cache. */
interface Place {
  readonly file: string;
  readonly row: number;
}

/** The folder of cached class vectors. */
export function classVectorCache(mark: string): string {
  const templates = createHash("sha256").update(JSON.stringify(regionTemplates)).digest("hex");
  return join(modelCache(), "..", "class-vectors", `${mark}-${templates.slice(0, 16)}`);
}

/** Throws InputError that quotes names that are empty, given twice, or too many. */
export function checkNames(names: readonly string[]): void {
  if (names.length === 0) throw new InputError("there are no names to find; give at least one");
  if (names.length > MOST_NAMES)
    throw new InputError(`${names.length} names are more than ${MOST_NAMES}; ask in several lists`);
  const empty = names.findIndex((name) => withoutMarks(name).trim() === "");
  if (empty >= 0) throw new InputError(`name ${empty + 1} of ${names.length} is empty; remove it`);
  const seen = new Set<string>();
  const twice = names.filter((name) => seen.size === seen.add(name).size);
  if (twice.length > 0) throw new InputError(`given twice: ${twice.slice(0, 5).join(", ")}; give each name once`);
}

/**
 * Vectors of names [k,width], not of unit length, as RegionCLIP's files hold them. Vectors that are computed go to the cache, some at a time, so that a
 * killed run continues. Throws InputError for invalid names.
 */
export class ClassVectors {
  private readonly known = new Map<string, Float32Array>();
  private places: Map<string, Place> | undefined;

  /** `encoder` is called when a name is not in the cache. */
  constructor(
    private readonly width: number,
    private readonly folder: string,
    private readonly encoder: () => Promise<Encoder>,
  ) {}

  async of(names: readonly string[], progress?: (done: number, total: number) => void): Promise<Float32Array> {
    checkNames(names);
    for (const name of names) await this.recall(name);
    const missing = names.filter((name) => !this.known.has(name));
    for (let start = 0; start < missing.length; start += TOGETHER) {
      progress?.(names.length - missing.length + start, names.length);
      await this.make(missing.slice(start, start + TOGETHER));
    }
    progress?.(names.length, names.length);
    const all = new Float32Array(names.length * this.width);
    names.forEach((name, i) => {
      all.set(this.known.get(name)!, i * this.width);
    });
    return all;
  }

  /** Reads a name's vector from the cache, if it is there. */
  private async recall(name: string): Promise<void> {
    this.places ??= await placesIn(this.folder, this.width);
    const place = this.places.get(name);
    if (!place || this.known.has(name)) return;
    const file = await openWeights(place.file);
    const rows = await file.readFloat32("vectors");
    for (const [own, { file: path, row }] of this.places)
      if (path === place.file) this.known.set(own, rows.slice(row * this.width, (row + 1) * this.width));
    await file.close();
  }

  private async make(names: readonly string[]): Promise<void> {
    const encoder = await this.encoder();
    const sentences = names.flatMap((name) => regionTemplates.map((template) => filled(template, withoutMarks(name))));
    const vectors = await encoder.textVectors(sentences, { long: "cut", batch: 81 });
    const each = regionTemplates.length;
    const rows = names.map((_, i) => meanOf(vectors.slice(i * each, (i + 1) * each)));
    rows.forEach((vector, i) => {
      this.known.set(names[i]!, vector);
    });
    await mkdir(this.folder, { recursive: true });
    const digest = createHash("sha256").update(JSON.stringify(names)).digest("hex").slice(0, 32);
    const data = new Float32Array(rows.flatMap((row) => [...row]));
    const shape = [names.length, this.width];
    await writeSafetensors(
      join(this.folder, `${digest}.safetensors`),
      [{ name: "vectors", dtype: "F32", shape, data }],
      {
        names: JSON.stringify(names),
      },
    );
  }
}

/** The names of all files in the cache. A file that is damaged counts as absent. */
async function placesIn(folder: string, width: number): Promise<Map<string, Place>> {
  const places = new Map<string, Place>();
  for (const name of filesIn(folder)) {
    const path = join(folder, name);
    const file = await openWeights(path).catch(() => undefined);
    if (!file) continue;
    const names = jsonIn(file.metadata, "names", namesSchema) ?? [];
    const shape = file.entries.get("vectors")?.shape;
    await file.close();
    if (String(shape) === String([names.length, width]))
      for (const [row, one] of names.entries()) places.set(one, { file: path, row });
  }
  return places;
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".safetensors"));
  } catch {
    return [];
  }
}
