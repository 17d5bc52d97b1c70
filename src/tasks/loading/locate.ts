/** Finds a model by its name or path, and its family before its weights are read. */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InputError, WeightsError } from "../../errors.ts";
import { readTextIfThere } from "../../files/read-file.ts";
import { families, familyOfTensors, type ModelType, wantCapability } from "../../models/families.ts";
import type { Capability } from "../../models/parts/family.ts";
import { clipZoo, fetchClip, isClipName } from "../../weights/clip-zoo.ts";
import { openWeights } from "../../weights/open-weights.ts";
import type { WeightsFile } from "../../weights/weights-file.ts";
import { fetchModel, type ZooOptions, zoo } from "../../weights/zoo.ts";

/** The detector that comes with the package. */
export const BUILT_IN = "everyday";
/** The CLIP that comes with the package. */
export const BUILT_IN_CLIP = "small-clip";

/** The models that come with the package, by name. */
const builtIns: Readonly<Record<string, { path: string; type: ModelType }>> = {
  [BUILT_IN]: { path: "assets/models/everyday", type: "groundling-glip" },
  [BUILT_IN_CLIP]: { path: "assets/models/small-clip/model.safetensors", type: "clip" },
};

/** A model on disk. */
export interface LocatedModel {
  /** As it was asked for, for messages. */
  readonly name: string;
  readonly path: string;
  readonly type: ModelType;
  /** Whether it comes with this package. */
  readonly isBuiltIn: boolean;
  /** A published checkpoint, open and to be closed after use; a folder with a config.json has none. */
  readonly file?: WeightsFile;
}

const root = new URL("../../../", import.meta.url);

/**
 * The built-in model or a published one by its name, which is first fetched into the cache; a model folder; or a published checkpoint file.
 * Throws InputError if there is none, and WeightsError if it is of a family that cannot do what is wanted (default: anything).
 */
export async function locateModel(
  nameOrPath: string,
  wanted: Capability | undefined,
  options: ZooOptions = {},
): Promise<LocatedModel> {
  const builtIn = Object.hasOwn(builtIns, nameOrPath) ? builtIns[nameOrPath] : undefined;
  const found = builtIn ? undefined : await stat(nameOrPath).catch(() => undefined);
  const named = builtIn || found ? undefined : publishedName(nameOrPath, wanted);
  if (!builtIn && !found && !named) throw new InputError(noSuchModel(nameOrPath, wanted));
  // Checked before anything is fetched.
  const known = builtIn ?? named;
  if (known && wanted) wantCapability(known.type, wanted, nameOrPath);
  const path = builtIn
    ? fileURLToPath(new URL(builtIn.path, root))
    : named
      ? await named.fetch(nameOrPath, options)
      : nameOrPath;
  const isBuiltIn = builtIn !== undefined;
  const told = { name: nameOrPath, path, isBuiltIn };
  if (!(await stat(path)).isDirectory()) return { ...told, ...(await openCheckpoint(path, wanted, nameOrPath)) };
  const type = builtIn?.type ?? (await typeOfFolder(path));
  if (wanted) wantCapability(type, wanted, nameOrPath);
  return { ...told, type };
}

interface PublishedName {
  readonly type: ModelType;
  readonly fetch: (name: string, options: ZooOptions) => Promise<string>;
}

function publishedName(name: string, wanted: Capability | undefined): PublishedName | undefined {
  if (Object.hasOwn(zoo, name)) return { type: "groundling-glip", fetch: fetchModel };
  if (!isClipName(name)) return undefined;
  // OWNER/NAME is the hub's only where a CLIP is wanted; elsewhere it is a path where nothing is.
  const isClip = Object.hasOwn(clipZoo, name) || wanted === undefined || families.clip.capabilities.includes(wanted);
  return isClip ? { type: "clip", fetch: fetchClip } : undefined;
}

function noSuchModel(name: string, wanted: Capability | undefined): string {
  const can = (type: ModelType) => wanted === undefined || families[type].capabilities.includes(wanted);
  const names = [
    ...(can("groundling-glip") ? [`${BUILT_IN} for the built-in model`, ...Object.keys(zoo)] : []),
    ...(can("clip")
      ? [`${BUILT_IN_CLIP} for the built-in CLIP`, "OWNER/NAME on the hub", ...Object.keys(clipZoo)]
      : []),
  ];
  return `${name}: no such model; give a model folder, a checkpoint file, or a name: ${names.join(", ")}`;
}

async function typeOfFolder(folder: string): Promise<ModelType> {
  const place = join(folder, "config.json");
  const text = readTextIfThere(place);
  const { readConfigFile } = await import("../../models/schemas.ts");
  if (text !== undefined) return readConfigFile(text, place).type;
  throw new WeightsError(`${place}: missing; give a model folder with a config.json, or a checkpoint file`);
}

/** Opened once, to tell its family and to be read. */
async function openCheckpoint(
  path: string,
  wanted: Capability | undefined,
  source: string,
): Promise<Pick<LocatedModel, "type" | "file">> {
  const file = await openWeights(path);
  try {
    const type = familyOfTensors(file.entries, path);
    if (wanted) wantCapability(type, wanted, source);
    return { type, file };
  } catch (error) {
    await file.close();
    throw error;
  }
}
