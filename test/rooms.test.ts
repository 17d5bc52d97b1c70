import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";

/** A room imports from itself and from rooms before it (docs/architecture.md). */
const rooms = [
  "files",
  "tensor",
  "grad",
  "onnx",
  "nn",
  "weights",
  "boxes",
  "tracking",
  "inputs",
  "models",
  "data",
  "metrics",
  "learning",
  "jobs",
  "tasks",
  "evaluation",
  "apps",
];
/** Outside the rooms: the package's entry points, and the errors that all rooms may throw. */
const outside = [
  "errors.ts",
  "index.ts",
  "models.ts",
  "weights.ts",
  "training.ts",
  "evaluation.ts",
  "data.ts",
  "metrics.ts",
  "web.ts",
  "client.ts",
];

const source = new URL("../src/", import.meta.url).pathname;
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
  (file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !file.includes("fixtures"),
);

/** Paths below src/ that a file imports, with or without types, now or later. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(source, file), "utf8");
  const found = text.matchAll(/(?:from|import|moduleBeside)\s*\(?\s*"(\.[^"]+)"/g);
  return [...found].map(([, path]) => relative(source, join(source, file, "..", path!)));
}

test("every file is in a known room", () => {
  const unknown = files.filter((file) => !outside.includes(file) && !rooms.includes(file.split("/")[0]!));
  assert.deepEqual(unknown, []);
});

test("rooms import only from themselves and from rooms before them", () => {
  const wrong = files.flatMap((file) => {
    const room = rooms.indexOf(file.split("/")[0]!);
    if (room < 0) return [];
    return importsOf(file)
      .filter((path) => path !== "errors.ts" && !(rooms.indexOf(path.split("/")[0]!) <= room && path.includes("/")))
      .map((path) => `${file} imports ${path}`);
  });
  assert.deepEqual(wrong, []);
});

test("no folders import each other in a circle", () => {
  const folders = new Map<string, Set<string>>();
  for (const file of files) {
    if (outside.includes(file)) continue;
    const from = dirname(file);
    const targets = folders.get(from) ?? new Set();
    folders.set(from, targets);
    for (const path of importsOf(file)) if (path.includes("/") && dirname(path) !== from) targets.add(dirname(path));
  }
  // Folders that import only from removed folders are removed, until only folders in circles are left.
  for (let before = -1; before !== folders.size; ) {
    before = folders.size;
    for (const [folder, targets] of folders)
      if ([...targets].every((target) => !folders.has(target))) folders.delete(folder);
  }
  assert.deepEqual([...folders.keys()], []);
});
