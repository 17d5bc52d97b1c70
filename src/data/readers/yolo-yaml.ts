/** YOLO's `data.yaml`: class names, and the pictures of each split. */
import { existsSync, statSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { LineCounter, parseDocument, stringify } from "yaml";
import { InputError } from "../../errors.ts";
import { isRegularFile, readTextFile } from "../../files/read-file.ts";
import { namesIn } from "./folders.ts";
import { isRecord } from "./values.ts";

export interface YoloYaml {
  file: string;
  /** Class names, indexed by class number. */
  names: string[];
  splits: YoloSplit[];
  /** Splits without pictures, as written in the file. */
  missing: string[];
}

export interface YoloSplit {
  name: string;
  /** Folders of pictures, or text files with lists of pictures. */
  sources: string[];
}

const known = ["data.yaml", "data.yml", "dataset.yaml", "dataset.yml"];
const splitKeys = ["train", "val", "valid", "test"];
/** Higher class numbers are errors. */
const mostClasses = 100_000;
/** In bytes: 20,000 names need less, and a larger file takes seconds to parse. */
const mostBytes = 2 ** 19;
/** Maximum number of opening brackets: the parser collects an error for each that is misplaced, which takes seconds for many. */
const mostBrackets = 10_000;
/** Maximum number of folders and lists of a split; each is looked for in four places. */
const mostSources = 10_000;
/** The last parsed file, because several steps of reading a dataset need the same file. */
let last: { text: string; value: unknown } | undefined;

/** The YAML file of a folder: one with the usual name, or the only one with class names. */
export function yamlIn(folder: string): string | undefined {
  const usual = known.map((name) => join(folder, name)).find((file) => existsSync(file));
  if (usual) return usual;
  const others = namesIn(folder, isYaml).map((name) => join(folder, name));
  const named = others.filter((file) => isSmallFile(file) && /^names\s*:/m.test(readTextFile(file, mostBytes)));
  return named.length === 1 ? named[0] : undefined;
}

function isSmallFile(file: string): boolean {
  return isRegularFile(file) && statSync(file).size <= mostBytes;
}

export function isYaml(name: string): boolean {
  return /^\.ya?ml$/i.test(extname(name));
}

/**
 * Reads a file.
 * @throws InputError with file and line if it is not YAML, has no class names, or is too large.
 */
export function readYoloYaml(file: string): YoloYaml {
  const value = parsed(file);
  if (!isRecord(value) || value.names === undefined)
    throw new InputError(`${file}: has no names; write names: [cat, dog] or names: { 0: cat }`);
  const names = namesOf(value.names, file);
  const root = typeof value.path === "string" ? value.path : ".";
  const splits: YoloSplit[] = [];
  const missing: string[] = [];
  for (const name of splitKeys) {
    const said = [value[name]].flat().filter((one): one is string => typeof one === "string" && one !== "");
    if (said.length > mostSources)
      throw new InputError(
        `${file}: ${name} has ${said.length} entries, more than the limit of ${mostSources}; give folders or a list file`,
      );
    const sources = said.flatMap((source) => sourceOf(dirname(file), root, source) ?? []);
    if (sources.length < said.length) missing.push(`${name}: ${said.join(", ")}`);
    // Some files list the same pictures for training and validation.
    const isNew = splits.every((split) => split.sources.join() !== sources.join());
    if (sources.length > 0 && isNew) splits.push({ name, sources });
  }
  return { file, names, splits, missing };
}

function parsed(file: string): unknown {
  const text = readTextFile(file, mostBytes);
  if (last?.text === text) return last.value;
  const brackets = text.match(/[[{]/g)?.length ?? 0;
  if (brackets > mostBrackets)
    throw new InputError(
      `${file}: has ${brackets} opening brackets, more than the limit of ${mostBrackets}; write names as a list, one per line`,
    );
  const lines = new LineCounter();
  try {
    // Pretty errors copy their line: many errors in a long line would take quadratic time.
    const options = { lineCounter: lines, uniqueKeys: false, logLevel: "error", prettyErrors: false } as const;
    const document = parseDocument(text, options);
    const [error] = document.errors;
    if (!error) {
      last = { text, value: document.toJS() };
      return last.value;
    }
    const { line } = lines.linePos(error.pos[0]);
    throw new InputError(`${file}:${line}: not YAML (${error.message})`);
  } catch (error) {
    if (error instanceof InputError) throw error;
    // Nested too deeply, or too many aliases.
    throw new InputError(`${file}: not YAML (${error instanceof Error ? error.message : error})`);
  }
}

function namesOf(value: unknown, file: string): string[] {
  const text = (name: unknown) => (typeof name === "object" ? JSON.stringify(name) : String(name)).trim();
  if (Array.isArray(value)) {
    if (value.length <= mostClasses) return value.map(text);
    throw new InputError(
      `${file}: has ${value.length} names, more than the limit of ${mostClasses}; list each class once`,
    );
  }
  const names: string[] = [];
  for (const [key, name] of Object.entries(isRecord(value) ? value : {})) {
    const id = Number(key);
    if (!Number.isInteger(id) || id < 0 || id >= mostClasses)
      throw new InputError(`${file}: names: ${JSON.stringify(key)} is not a class number; number classes from 0`);
    names[id] = text(name);
  }
  return Array.from(names, (name, id) => name ?? `class ${id}`);
}

/**
 * The location of a source: relative to `path`, or to the file. Roboflow's exports write `../train/images` for `train/images` next to the
 * file. Sources outside the file's folder are not used.
 */
function sourceOf(folder: string, root: string, source: string): string | undefined {
  const plain = source.replace(/^(\.\.\/)+/, "");
  const places = [join(folder, root, source), join(folder, source), join(folder, plain), join(folder, root, plain)];
  const inside = `${resolve(folder)}/`;
  return places.find((place) => `${resolve(place)}/`.startsWith(inside) && existsSync(place));
}

/** Makes a `data.yaml` of splits by name, each with the folder of its pictures. */
export function yoloYamlOf(names: readonly string[], splits: Readonly<Record<string, string>>): string {
  return stringify({ ...splits, names: new Map(names.entries()) });
}

/** The folder of a data.yaml, or the folder itself. */
export function yoloRoot(path: string): string {
  return isYaml(basename(path)) ? dirname(path) : path;
}
