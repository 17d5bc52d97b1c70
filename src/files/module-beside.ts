/** Names modules that run in `dist` and in the TypeScript sources alike. A page can import this module. */

/** The URL of the module `name` (without ending, as "./batch-worker") beside the module at `importer`, in its ending. */
export function moduleBeside(name: string, importer: string): URL {
  return new URL(`${name}${importer.endsWith(".ts") ? ".ts" : ".js"}`, importer);
}
