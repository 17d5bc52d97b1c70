/** The path of the layer that is being called, so that every tensor and every shape error says where it was made. */

let path = "";

/** The path of the layer that is being traced. */
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
