import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Detection, loadModel } from "../../src/index.ts";
import { repository } from "../cli/running.ts";

/** A project with only the packed package, as a user has it; only the npm registry is used. */
const folder = mkdtempSync(join(tmpdir(), "groundling-package-"));
const project = join(folder, "project");
const photo = join(repository, "examples/photos/cat.jpg");
let tarball: string;

before(() => {
  run("npm", ["pack", "--pack-destination", folder], repository);
  tarball = join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz"))!);
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "project", private: true, type: "module" }));
  run("npm", ["install", "--no-audit", "--no-fund", tarball], project);
  copyFileSync(photo, join(project, "kitchen.jpg"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

test("after a plain npm install, detect works with the native library and prints nothing else", () => {
  const { status, stdout, stderr } = spawnSync("npx", ["groundling", "detect", photo, "--prompt", "cat. cup."], {
    cwd: project,
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^cat +0\.9/m);
  assert.equal(stderr, "");
});

test("the README's sample runs, and compiles under strict", () => {
  const sample = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(repository, "README.md"), "utf8"))![1]!;
  writeFileSync(join(project, "sample.ts"), sample);
  const strict = ["--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck", "--outDir", "."];
  run(process.execPath, [join(repository, "node_modules/typescript/bin/tsc"), ...strict, "sample.ts"], project);
  run(process.execPath, ["sample.js"], project);
});

test("every entry point can be imported", () => {
  const { exports } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  const names = Object.keys(exports).filter((name) => name !== "./package.json");
  const program = names.map((name) => `await import("groundling${name.slice(1)}");`).join("\n");
  writeFileSync(join(project, "entries.js"), program);
  run(process.execPath, ["entries.js"], project);
});

test("without the native library the results are the same within float32 noise, and a message is printed once", async () => {
  const library = join(project, "node_modules/groundling/native/node_modules");
  renameSync(library, join(folder, "library"));
  try {
    writeFileSync(
      join(project, "wasm.js"),
      `import { loadModel } from "groundling";
const model = await loadModel();
console.log(JSON.stringify(await model.detect("kitchen.jpg", ["cat", "cup"], { threshold: 0.3 })));
await model.dispose();`,
    );
    const { stdout, stderr } = spawnSync(process.execPath, ["wasm.js"], { cwd: project, encoding: "utf8" });
    assert.equal(stderr.match(/WebAssembly, about three times slower/g)?.length, 1, stderr);
    const model = await loadModel();
    const expected = await model.detect(photo, ["cat", "cup"], { threshold: 0.3 });
    await model.dispose();
    const found: Detection[] = JSON.parse(stdout);
    assert.equal(found.length, expected.length);
    expected.forEach(({ label, score, box }, i) => {
      assert.equal(found[i]!.label, label);
      assert.ok(Math.abs(found[i]!.score - score) < 1e-4);
      for (const side of ["xmin", "ymin", "xmax", "ymax"] as const)
        assert.ok(Math.abs(found[i]!.box[side] - box[side]) < 0.05);
    });
  } finally {
    renameSync(join(folder, "library"), library);
  }
});

test("a missing optional package is reported with its install command, before a model has worked", () => {
  const refused = (words: string[], message: RegExp) => {
    const { status, stdout, stderr } = spawnSync("npx", ["groundling", ...words], { cwd: project, encoding: "utf8" });
    assert.deepEqual([status, stdout], [1, ""], stderr);
    assert.match(stderr, message);
  };
  const drawing = /^groundling: --draw needs .*; run: npm install @napi-rs\/canvas@\S+ @fontsource\/inter@\S+\n$/;
  refused(["detect", photo, "--prompt", "cat.", "--draw"], drawing);
  const parquet = /^groundling: reading and writing Parquet needs .*; run: npm install @duckdb\/node-api@\S+\n$/;
  mkdirSync(join(project, "pairs"));
  copyFileSync(photo, join(project, "pairs/cat.jpg"));
  writeFileSync(join(project, "pairs/cat.txt"), "a cat");
  refused(["pseudo-label", "pairs", "--out", "labelled"], parquet);
  refused(["embed", photo, "--out", "vectors.parquet"], parquet);
});

test("publint and attw find no errors", () => {
  run("npx", ["publint", "run", tarball, "--strict"], repository);
  run("npx", ["attw", tarball, "--profile", "esm-only", "--format", "ascii"], repository);
});

function run(program: string, words: readonly string[], cwd: string): void {
  execFileSync(program, words, { cwd, stdio: ["ignore", "ignore", "pipe"] });
}
