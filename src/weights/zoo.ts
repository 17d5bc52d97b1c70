/** The published GLIP checkpoints: their addresses and their paths in the cache. */

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { type FetchOptions, fetchFile } from "./fetch.ts";
import { openWeights } from "./open-weights.ts";

/** A published checkpoint. */
export interface ZooModel {
  /** File name on the hub. */
  readonly file: string;
  readonly about: string;
  /** Trainable numbers (of the detector with its language model). */
  readonly parameters: number;
}

/** By model name. The hub sends size and checksum with each file. */
export const zoo: Readonly<Record<string, ZooModel>> = {
  "glip-t-a": { file: "glip_a_tiny_o365.pth", about: "Swin-T without fusion, Objects365", parameters: 151_430_526 },
  "glip-t-b": { file: "glip_tiny_model_o365.pth", about: "Swin-T, Objects365", parameters: 231_780_222 },
  "glip-t-c": {
    file: "glip_tiny_model_o365_goldg.pth",
    about: "Swin-T, Objects365 and GoldG",
    parameters: 231_780_222,
  },
  "glip-t": {
    file: "glip_tiny_model_o365_goldg_cc_sbu.pth",
    about: "Swin-T, Objects365, GoldG, CC3M and SBU",
    parameters: 231_780_222,
  },
  "glip-l": {
    file: "glip_large_model.pth",
    about: "Swin-L, FourODs, GoldG, CC3M+12M and SBU",
    parameters: 430_422_384,
  },
};

const HUB = "https://huggingface.co";
const REPOSITORY = "GLIPModel/GLIP";

/** Environment variables, with the names that other programs use, too. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Download address of a model of the zoo; `HF_ENDPOINT` sets a mirror of the hub. */
export function zooAddress(name: string, environment: Environment = process.env): string {
  return hubAddress(REPOSITORY, zoo[name]!.file, environment);
}

/** Download address of a file in a repository of the hub. */
export function hubAddress(repository: string, file: string, environment: Environment = process.env): string {
  return `${environment.HF_ENDPOINT ?? HUB}/${repository}/resolve/main/${file}`;
}

/** Path of a model of the zoo in the cache. */
export function zooPath(name: string, environment: Environment = process.env): string {
  return join(modelCache(environment), zoo[name]!.file);
}

/** Folder of downloaded models. */
export function modelCache(environment: Environment = process.env): string {
  const cache = environment.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(cache, "groundling", "models");
}

/** What a caller decides about a model that may have to be fetched. */
export interface FetchingOptions extends Pick<FetchOptions, "progress" | "signal"> {
  /** Use only the cache, no network (default false). */
  readonly offline?: boolean;
}

/** How a published model is fetched, and from where. */
export interface ZooOptions extends FetchOptions, FetchingOptions {
  /** Environment with the cache, the hub and the proxy (default: that of the process). */
  readonly environment?: Environment;
}

/** The options for fetching among others. */
export function fetchingOf({ offline, progress, signal }: FetchingOptions): FetchingOptions {
  return { ...(offline ? { offline } : {}), ...(progress ? { progress } : {}), ...(signal ? { signal } : {}) };
}

/** Maximum size of a published file in bytes: the numbers, those of an optimizer, and as much again. */
export function mostBytes(parameters: number): number {
  return 2 ** 26 + 24 * parameters;
}

/**
 * The path of a model of the zoo, downloaded if it is not in the cache. Throws InputError if it is not available, and the signal's
 * reason when it is aborted.
 */
export async function fetchModel(name: string, options: ZooOptions = {}): Promise<string> {
  const { offline = false, environment = process.env } = options;
  if (!Object.hasOwn(zoo, name))
    throw new InputError(`${name}: no model with this name; known models: ${Object.keys(zoo).join(", ")}`);
  const path = zooPath(name, environment);
  if (existsSync(path)) return path;
  const address = zooAddress(name, environment);
  if (offline)
    throw new InputError(
      `${name} is not in the cache; leave out --offline, or fetch ${address} and save it as ${path}`,
    );
  await fetchFile(address, path, {
    ...options,
    most: mostBytes(zoo[name]!.parameters),
    verify: async (part) => {
      await (await openWeights(part)).close();
    },
  });
  return path;
}
