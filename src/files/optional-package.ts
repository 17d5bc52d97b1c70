/** Optional packages, which are loaded at first use. */

import { readFileSync } from "node:fs";
import { InputError } from "../errors.ts";

/**
 * Imports with `load`. @throws InputError with the install command if a package is missing.
 */
export async function optional<Module>(
  load: () => Promise<Module>,
  { purpose, packages }: { purpose: string; packages: readonly string[] },
): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    throw missing(error, purpose, packages) ?? error;
  }
}

/** The same for a synchronous require. */
export function optionalNow<Module>(
  load: () => Module,
  { purpose, packages }: { purpose: string; packages: readonly string[] },
): Module {
  try {
    return load();
  } catch (error) {
    throw missing(error, purpose, packages) ?? error;
  }
}

function missing(error: unknown, purpose: string, packages: readonly string[]): InputError | undefined {
  const { code, message } = error as NodeJS.ErrnoException;
  const absent = code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
  if (!absent || !packages.some((name) => message.includes(`'${name}`))) return undefined;
  const { peerDependencies = {} }: { peerDependencies?: Record<string, string> } = JSON.parse(
    readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
  );
  const line = packages.map((name) => `${name}@${peerDependencies[name] ?? "latest"}`).join(" ");
  return new InputError(`${purpose} needs ${packages.join(" and ")}; run: npm install ${line}`, { cause: error });
}
