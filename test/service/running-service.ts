/** A service in this process, on a free port of loopback. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_LIMITS, type ServiceSettings } from "../../src/apps/service/models/settings.ts";
import { type RunningService, serve } from "../../src/apps/service/serve.ts";
import { repository } from "../cli/running.ts";

/** A photo of a cat. */
export const photo = new Uint8Array(readFileSync(join(repository, "examples/photos/cat.jpg")));

/** Starts a service; without settings it has the built-in models. */
export function startService(
  given: Partial<Omit<ServiceSettings, "limits">> & { limits?: Partial<ServiceSettings["limits"]> } = {},
): Promise<RunningService> {
  return serve({
    host: "127.0.0.1",
    port: 0,
    models: ["everyday", "small-clip"].map((name) => ({ name, path: name })),
    adapted: [],
    loading: { threads: 1 },
    workers: 1,
    urls: { public: false, hosts: [] },
    tokens: [],
    origins: [],
    logLevel: "silent",
    ...given,
    limits: { ...DEFAULT_LIMITS, ...given.limits },
  });
}

/** The value of a number of `/metrics`, which must be there. */
export async function metric(url: string, line: string): Promise<number> {
  const text = await (await fetch(new URL("/metrics", url))).text();
  const found = text.split("\n").find((one) => one.startsWith(`${line} `));
  if (found === undefined) throw new Error(`no ${line} in\n${text}`);
  return Number(found.slice(line.length + 1));
}

/** Waits until something is so, at most a minute. */
export async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  for (const end = Date.now() + 60_000; !(await isSo()); ) {
    if (Date.now() > end) throw new Error("waited a minute in vain");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
