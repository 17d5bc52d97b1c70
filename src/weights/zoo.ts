/** The published GLIP checkpoints: where they are, and where they are kept once fetched. */

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { type FetchOptions, fetchFile } from "./fetch.ts";
import { openWeights } from "./open-weights.ts";

export interface ZooModel {
  /** File name on the hub. */
  readonly file: string;
  readonly about: string;
  /** Trainable numbers (of the detector with its language model). */
  readonly parameters: number;
}

/** By the names that models are asked for. Sizes and checksums are the hub's to tell; it sends them with each file. */
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

/** What belongs to a place rather than to a call; the variables are those that other programs heed. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a model of the zoo is fetched from; `HF_ENDPOINT` names a mirror of the hub. */
export function zooAddress(name: string, environment: Environment = process.env): string {
  return hubAddress(REPOSITORY, zoo[name]!.file, environment);
}

/** Where a file of a repository of the hub is fetched from. */
export function hubAddress(repository: string, file: string, environment: Environment = process.env): string {
  return `${environment.HF_ENDPOINT ?? HUB}/${repository}/resolve/main/${file}`;
}

/** Where a model of the zoo lies once it is fetched. */
export function zooPath(name: string, environment: Environment = process.env): string {
  return join(modelCache(environment), zoo[name]!.file);
}

/** The folder in which fetched models are kept. */
export function modelCache(environment: Environment = process.env): string {
  const cache = environment.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(cache, "groundling", "models");
}

export interface ZooOptions extends FetchOptions {
  /** Takes what is there and reaches for nothing. */
  readonly offline?: boolean;
  readonly environment?: Environment;
}

/** The path of a model of the zoo, which is fetched where it is not there yet. An InputError where it is not to be had. */
export async function fetchModel(name: string, options: ZooOptions = {}): Promise<string> {
  const { offline = false, environment = process.env } = options;
  if (!Object.hasOwn(zoo, name))
    throw new InputError(`${name}: no model of this name; there are ${Object.keys(zoo).join(", ")}`);
  const path = zooPath(name, environment);
  if (existsSync(path)) return path;
  const address = zooAddress(name, environment);
  if (offline)
    throw new InputError(
      `${name} is not in the cache; leave out --offline, or fetch ${address} and save it as ${path}`,
    );
  await fetchFile(address, path, {
    ...options,
    verify: async (part) => {
      await (await openWeights(part)).close();
    },
  });
  return path;
}
