/** The path of the current layer, so that every tensor and every shape error has the place where it was made. */

let path = "";

/** The path of the layer that is traced. */
export function currentScope(): string {
  return path;
}

/** Calls `make` with the scope path set to `inner`. */
export function inScope<T>(inner: string, make: () => T): T {
  const outer = path;
  path = inner;
  try {
    return make();
  } finally {
    path = outer;
  }
}
