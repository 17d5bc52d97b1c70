/** Caches traces by key; picture and caption sizes are unlimited, so only the last used traces are kept. */

import type { Lowered } from "./lower.ts";
import { RecentlyUsed } from "./recently-used.ts";

/** Maximum number of cached traces. */
export const KEPT_TRACES = 64;

export class Traces {
  private readonly kept = new RecentlyUsed<string, Lowered>(KEPT_TRACES);

  /** The trace of a key, created if it is not cached. Traces of the same structure share their bytes. */
  of(key: string, make: () => Lowered): Lowered {
    const known = this.kept.get(key);
    if (known) return known;
    const made = make();
    const same = this.kept.values().find(({ bytes }) => isSame(bytes, made.bytes));
    const trace = same ? { ...made, bytes: same.bytes } : made;
    this.kept.set(key, trace);
    this.kept.dropped();
    return trace;
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
