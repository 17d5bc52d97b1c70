/** The published CLIP models: OpenAI's archives and the hub's `CLIPModel` folders, by name. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError, WeightsError } from "../errors.ts";
import { readTextFile } from "../files/read-file.ts";
import { type FetchOptions, fetchFile } from "./fetch.ts";
import { openWeights } from "./open-weights.ts";
import { type Environment, hubAddress, modelCache, mostBytes, type ZooOptions } from "./zoo.ts";

export interface ClipArchive {
  /** OpenAI's file name. */
  readonly file: string;
  /** In hexadecimal; also part of the address. */
  readonly sha256: string;
  readonly about: string;
  readonly parameters: number;
}

/** By model name. */
export const clipZoo: Readonly<Record<string, ClipArchive>> = {
  "clip-rn50": {
    file: "RN50.pt",
    sha256: "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762",
    about: "CLIP, ResNet-50",
    parameters: 102_007_137,
  },
  "clip-rn101": {
    file: "RN101.pt",
    sha256: "8fa8567bab74a42d41c5915025a8e4538c3bdbe8804a470a72f30b0d94fab599",
    about: "CLIP, ResNet-101",
    parameters: 119_688_033,
  },
  "clip-rn50x4": {
    file: "RN50x4.pt",
    sha256: "7e526bd135e493cef0776de27d5f42653e6b4c8bf9e0f653bb11773263205fdd",
    about: "CLIP, ResNet with 4 times the computation",
    parameters: 178_300_601,
  },
  "clip-rn50x16": {
    file: "RN50x16.pt",
    sha256: "52378b407f34354e150460fe41077663dd5b39c54cd0bfd2b27167a4a06ec9aa",
    about: "CLIP, ResNet with 16 times the computation",
    parameters: 290_979_217,
  },
  "clip-rn50x64": {
    file: "RN50x64.pt",
    sha256: "be1cfb55d75a9666199fb2206c106743da0f6468c9d327f3e0d0a543a9919d9c",
    about: "CLIP, ResNet with 64 times the computation",
    parameters: 623_258_305,
  },
  "clip-vit-b32": {
    file: "ViT-B-32.pt",
    sha256: "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",
    about: "CLIP, ViT-B/32",
    parameters: 151_277_313,
  },
  "clip-vit-b16": {
    file: "ViT-B-16.pt",
    sha256: "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f",
    about: "CLIP, ViT-B/16",
    parameters: 149_620_737,
  },
  "clip-vit-l14": {
    file: "ViT-L-14.pt",
    sha256: "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836",
    about: "CLIP, ViT-L/14",
    parameters: 427_616_513,
  },
  "clip-vit-l14-336": {
    file: "ViT-L-14-336px.pt",
    sha256: "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02",
    about: "CLIP, ViT-L/14, 336-pixel pictures",
    parameters: 427_944_193,
  },
};

const OPENAI = "https://openaipublic.azureedge.net/clip/models";
/** OWNER/NAME, except names that end like weight files. */
const REPOSITORY = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*(?<!\.(?:pth?|bin|safetensors))$/;
/** Required files of a folder, and optional ones: its own tokenizer and picture preparation. */
const NEEDED = "config.json";
const OPTIONAL = ["preprocessor_config.json", "merges.txt"];
/** Bytes of each of these; the largest published ones have 3 MB. */
const MOST_TEXT = 2 ** 26;
const WEIGHTS = ["model.safetensors", "pytorch_model.bin"];

/** Download address of an archive; `OPENAI_CLIP_ENDPOINT` sets a mirror. */
export function clipAddress(name: string, environment: Environment = process.env): string {
  const { sha256, file } = clipZoo[name]!;
  return `${environment["OPENAI_CLIP_ENDPOINT"] ?? OPENAI}/${sha256}/${file}`;
}

/** Path of a published CLIP in the cache. */
export function clipPath(name: string, environment: Environment = process.env): string {
  const archive = clipZoo[name];
  return join(modelCache(environment), archive ? archive.file : name.replace("/", "--"));
}

/** Whether `fetchClip` accepts a name: a row of the table, or OWNER/NAME on the hub. */
export function isClipName(name: string): boolean {
  return Object.hasOwn(clipZoo, name) || REPOSITORY.test(name);
}

/** The path of a published CLIP, file or folder, downloaded if it is not in the cache. Throws InputError if it is not available. */
export async function fetchClip(name: string, options: ZooOptions = {}): Promise<string> {
  const { offline = false, environment = process.env } = options;
  const path = clipPath(name, environment);
  const archive = clipZoo[name];
  const whole = archive ? existsSync(path) : isFolderWhole(path);
  if (whole) return path;
  if (offline) throw new InputError(`${name} is not in the cache (${path}); leave out --offline, or copy it there`);
  if (archive) {
    const { sha256, parameters } = archive;
    const most = mostBytes(parameters);
    await fetchFile(clipAddress(name, environment), path, { ...options, sha256, most, verify: isWeights });
  } else await fetchFolder(name, path, options);
  return path;
}

function isFolderWhole(folder: string): boolean {
  return existsSync(join(folder, NEEDED)) && WEIGHTS.some((file) => existsSync(join(folder, file)));
}

/** The weights come last, so that a folder with weights is complete. */
async function fetchFolder(name: string, folder: string, options: ZooOptions): Promise<void> {
  const { progress, ...quietly } = options;
  const take = async (file: string, more: Pick<FetchOptions, "verify" | "most" | "progress">) => {
    const path = join(folder, file);
    if (!existsSync(path)) await fetchFile(hubAddress(name, file, options.environment), path, { ...quietly, ...more });
  };
  const small = (file: string) => take(file, { most: MOST_TEXT, verify: file.endsWith(".json") ? isJson : isMerges });
  const large = (file: string) => take(file, { verify: isWeights, ...(progress ? { progress } : {}) });
  await small(NEEDED);
  for (const file of OPTIONAL) await small(file).catch(ifAbsent);
  const [first, second] = WEIGHTS as [string, string];
  await large(first).catch(async (error: unknown) => {
    ifAbsent(error);
    await large(second);
  });
}

/** Skips a file that the hub does not have. */
function ifAbsent(error: unknown): void {
  if (!(error instanceof InputError && /the server answered 404/.test(error.message))) throw error;
}

async function isWeights(path: string): Promise<void> {
  await (await openWeights(path)).close();
}

async function isJson(path: string): Promise<void> {
  const [{ z }, { parsedJson }] = await Promise.all([import("zod"), import("./parsed-json.ts")]);
  parsedJson(readTextFile(path, MOST_TEXT), path, z.looseObject({}));
}

async function isMerges(path: string): Promise<void> {
  const [, ...lines] = readTextFile(path, MOST_TEXT).trimEnd().split(/\r?\n/);
  const wrong = lines.findIndex((line) => !/^\S+ \S+$/.test(line));
  if (wrong >= 0 || lines.length === 0) throw new WeightsError(`line ${wrong + 2} is not a pair of tokens`);
}
