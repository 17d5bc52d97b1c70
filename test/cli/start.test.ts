import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { readDetector } from "../../src/tasks/finding/model-folder.ts";
import { BUILT_IN, locateModel } from "../../src/tasks/loading/locate.ts";
import { program, repository, temporaryFolder } from "./running.ts";

const folder = temporaryFolder();
after(() => rmSync(folder, { recursive: true }));

/** The packages of which the program opens code, without those that read TypeScript for these tests. */
function packagesOf(words: readonly string[]): string[] {
  const log = join(folder, "opened");
  const strace = [
    "-f",
    "-qq",
    "-s",
    "400",
    "-e",
    "trace=open,openat",
    "-o",
    log,
    process.execPath,
    ...program,
    ...words,
  ];
  const { status, error, stderr } = spawnSync("strace", strace, { encoding: "utf8" });
  assert.equal(status, 0, `${error ?? ""}${stderr}`);
  const opened = readFileSync(log, "utf8").matchAll(
    /node_modules\/((?:@[^/"]+\/)?[^/"]+)\/[^"]*\.(?:[cm]?js|node)"[^\n]* = \d/g,
  );
  const readers = ["tsx", "esbuild", "get-tsconfig", "resolve-pkg-maps"];
  return [...new Set([...opened].map(([, name]) => name!))].filter((name) => !readers.includes(name)).sort();
}

test("--help loads no package, and the help of a command only the one that reads command lines", () => {
  assert.deepEqual(packagesOf(["--help"]), []);
  assert.deepEqual(packagesOf(["detect", "--help"]), ["commander"]);
});

test("detect with the built-in model loads no package that it does not need", () => {
  const options = ["--prompt", "cat.", "--size", "64,64", "--quiet"];
  const packages = packagesOf(["detect", join(repository, "examples/photos/cat.jpg"), ...options]);
  const own = ["@bufbuild/protobuf", "commander", "onnxruntime-common", "onnxruntime-node", "sharp"];
  const ofSharp = /^(?:@img\/.*|detect-libc|semver)$/;
  assert.deepEqual(
    packages.filter((name) => !ofSharp.test(name)),
    own,
  );
});

test("the built-in model's files, which are loaded unchecked, pass the checks with the same result", async () => {
  const folder = join(repository, "assets/models", BUILT_IN);
  const [own, checked] = [await readDetector(), await readDetector(folder)];
  for (const key of ["type", "preparation", "names"] as const) assert.deepEqual(own[key], checked[key]);
  assert.deepEqual(own.model.config, checked.model.config);
  assert.equal((await locateModel(BUILT_IN, "detect")).type, (await locateModel(folder, "detect")).type);
});

test("the modules that do something when they are imported are listed for bundlers", () => {
  const { sideEffects }: { sideEffects: string[] } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  const listed = sideEffects.filter((file) => file.startsWith("./dist/")).sort();
  const modules = readdirSync(join(repository, "src"), { recursive: true, encoding: "utf8" });
  const programs = modules.filter((file) => {
    if (!file.endsWith(".ts") || file.endsWith(".test.ts") || file.includes("fixtures")) return false;
    const text = readFileSync(join(repository, "src", file), "utf8");
    // A call, an await or an assignment at the start of a line is done on import.
    return /^(?:await |if \(|for \(|[\w.?!]+(?:\(|\[.*\] = |\.[\w.]+ \??\??= ))/m.test(
      text.replaceAll(/`[^`]*`|\/\*[\s\S]*?\*\//g, ""),
    );
  });
  assert.deepEqual(programs.map((file) => `./dist/${file.replace(/\.ts$/, ".js")}`).sort(), listed);
});
