/** Packages that only some need, which are looked for when they are first used. */

import { readFileSync } from "node:fs";
import { InputError } from "../errors.ts";

/**
 * What `load` imports. @throws InputError with the line that installs the packages where one of them is not there.
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

/** The same for what is required at once. */
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
