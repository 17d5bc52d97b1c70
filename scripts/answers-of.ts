/**
 * Records what one build of Groundling answers, trains and writes, to compare it with another build on the same machine: npx tsx
 * scripts/answers-of.ts FOLDER-OF-THE-BUILD FOLDER-FOR-ITS-FILES [ANSWERS-OF-ANOTHER]
 *
 * The build is a clone with node_modules and dist. All answers are written to answers.json: numbers unchanged, files as their SHA-256. If
 * the answers of another build are given, every difference is printed, and the exit code is 1 if there is one.
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [build, out, other] = process.argv.slice(2).map((path) => resolve(path));
if (!build || !out) throw new Error("name the folder of the build and a folder for its files");

/** Files that contain times, and folders of links. */
const LEFT_OUT = /(?:^|\/)(?:log\.jsonl|events\.out\.[^/]*|[^/]*\.svg|sprites\/.*|in\/.*)$/;
/** A text that states a duration. */
const SECONDS = /(seconds": |steps, )[\d.]+/g;
const answers: Record<string, unknown> = {};

rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, "in"), { recursive: true });
// Files contain paths, so both builds must use the same ones.
for (const name of ["assets", "recipes", "examples", "test"]) symlinkSync(join(build, name), join(out, "in", name));

await answersOfTheLibrary();
scenes();
exportsAndInspections();
evaluations();
trainings();
adaptations();
labels();
files();

writeFileSync(join(out, "answers.json"), `${JSON.stringify(answers, null, 1)}\n`);
if (other) compare(JSON.parse(readFileSync(other, "utf8")));

async function answersOfTheLibrary(): Promise<void> {
  const library: typeof import("../src/index.ts") = await import(pathToFileURL(join(build!, "dist/index.js")).href);
  const pictures = [
    ...["scene-1", "scene-2", "scene-3"].map((name) => `examples/pictures/${name}.jpg`),
    ...["cat", "coffee"].map((name) => `examples/photos/${name}.jpg`),
  ];
  const many = Array.from({ length: 60 }, (_, i) => `thing ${i}`).concat("apple", "cat", "wooden chair");
  // Version 0.1.0 had another default threshold.
  const all = { threshold: 0.05 };
  const model = await library.loadModel();
  for (const picture of pictures) {
    const path = join(build!, picture);
    const names = ["apple", "chair", "dog", "cat", "cup", "hot air balloon"];
    answers[`detect list ${picture}`] = await model.detect(path, names, all);
    answers[`detect text ${picture}`] = await model.detect(path, "person. cat. spoon. red apple.", { threshold: 0.2 });
    answers[`detect many ${picture}`] = await model.detect(path, many, { ...all, topK: 20 });
    answers[`detect size ${picture}`] = await model.detect(path, ["dog", "tree"], {
      ...all,
      size: { short: 160, max: 300 },
      nms: 0.3,
    });
    const caption = "two red apples and a dog beside a small cat on a chair";
    answers[`ground ${picture}`] = await model.ground(path, caption, all);
  }
  await model.dispose();
  for (const precision of ["float16", "int8"] as const) {
    const narrow = await library.loadModel(undefined, precision === "int8" ? { weightBits: 8 } : { precision });
    answers[`detect ${precision}`] = await narrow.detect(join(build!, pictures[0]!), ["apple", "chair", "dog"], all);
    await narrow.dispose();
  }
}

function scenes(): void {
  const small = ["--size", "96", "--objects", "3"];
  groundling("scenes", "--out", "train", "--count", "6", "--seed", "1", "--names", "apple,chair,dog", ...small);
  groundling("scenes", "--out", "seen", "--count", "4", "--seed", "2", "--split", "seen", "--everyday", ...small);
  groundling("scenes", "--out", "pairs", "--count", "6", "--captions", "--size", "128");
}

function exportsAndInspections(): void {
  groundling("export", "--size", "96x128", "--classes", "apple,chair", "--out", "model.onnx");
  groundling(
    "inspect",
    "in/examples/photos/cat.jpg",
    "--prompt",
    "cat. cup.",
    "--size",
    "96,128",
    "--out",
    "inside.safetensors",
  );
  groundling("data", "check", "train");
  groundling("data", "convert", "train/instances.json", "train-voc", "--to", "voc");
}

function evaluations(): void {
  const fixtures = "in/test/eval/fixtures";
  const golden = (set: string, protocol: string) =>
    groundling(
      ...["eval", "--ground-truth", `${fixtures}/${set}/annotations.json`],
      ...["--detections", `${fixtures}/${set}/detections.json`],
      ...["--protocol", protocol, "--format", "json"],
    );
  golden("coco-box-1", "coco");
  golden("lvis-fixed-1", "lvis");
  golden("lvis-fixed-1", "lvis-fixed");
  const flickr = ["predictions.json", "detections.json"].flatMap((file) =>
    JSON.parse(readFileSync(join(out!, fixtures, "flickr-1", file), "utf8")),
  );
  writeFileSync(join(out!, "flickr.json"), JSON.stringify(flickr));
  const both = ["--ground-truth", `${fixtures}/flickr-1`, "--detections", "flickr.json"];
  groundling("eval", ...both, "--protocol", "flickr30k", "--format", "json");
  groundling(
    "eval",
    "--data",
    "train/instances.json",
    "--detections",
    "found.jsonl",
    "--workers",
    "1",
    "--format",
    "json",
  );
}

function trainings(): void {
  const short = ["steps=4", "warmup=2", "evaluateEvery=4", "evaluatePictures=2", "checkpointEvery=2"];
  const train = (recipe: string, folder: string, ...overrides: string[]) =>
    groundling(
      ...["train", `in/recipes/${recipe}.json`, "--out", folder, "--sprites", "sprites"],
      ...[...short, ...overrides].flatMap((pair) => ["-o", pair]),
    );
  const words = "words=in/assets/words";
  for (const shards of [1, 2])
    train(
      "first-world",
      `first-world-${shards}`,
      words,
      `shards=${shards}`,
      "data.pictures=2",
      "data.sizes=[64]",
      "dropout=true",
    );
  const source = (file: string) => `data.sources=[{"data":"train/${file}.json","weight":1}]`;
  const small = [
    "data.pictures=2",
    "data.sizes=[64]",
    "data.longest=96",
    'data.heldOut={"data":"seen/instances.json"}',
  ];
  train("from-disk", "from-disk", words, ...small, source("grounding"));
  const known = 'data.heldOut={"data":"train/instances.json"}';
  train("dynamic-head", "dynamic-head", ...small, known, source("instances"));
  train(
    "wide-world-contrast",
    "contrast",
    words,
    "from=in/assets/models/everyday/model.safetensors",
    "data.models=false",
    "data.grounds=false",
    "data.more=false",
    "data.pictures=2",
    "data.sizes=[64]",
  );
}

function adaptations(): void {
  for (const method of ["full", "linear", "prompt", "adapters"])
    groundling(
      ...["adapt", "--data", "train/instances.json", "--method", method, "--steps", "3", "--shots", "1"],
      ...["--size", "96,96", "--retain", "none", "--out", `adapted-${method}`],
    );
}

function labels(): void {
  groundling("pseudo-label", "pairs", "--out", "labelled", "--threshold", "0.2", "--size", "128,128", "--threads", "1");
  groundling("jobs", "labelled");
}

/** All files written by the commands. */
function files(): void {
  for (const entry of readdirSync(out!, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(out!, path);
    if (!entry.isFile() || LEFT_OUT.test(name)) continue;
    answers[`file ${name}`] = createHash("sha256").update(contents(path)).digest("hex");
  }
}

function contents(path: string): string | Uint8Array {
  const bytes = readFileSync(path);
  return path.endsWith("adaptation.json") ? bytes.toString().replace(SECONDS, "$1-") : bytes;
}

/** Runs a command in the folder for its files and records what it prints. */
function groundling(...words: string[]): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(build!, "bin/groundling.js"), ...words], {
    cwd: out!,
    encoding: "utf8",
  });
  if (status !== 0) process.stderr.write(`${words.join(" ")}: ended with ${status}\n${stderr}\n`);
  answers[words.join(" ")] = { status, stdout: stdout.replace(SECONDS, "$1-") };
}

function compare(others: Record<string, unknown>): void {
  const names = [...new Set([...Object.keys(answers), ...Object.keys(others)])];
  const different = names.filter((name) => JSON.stringify(answers[name]) !== JSON.stringify(others[name]));
  for (const name of different) process.stdout.write(`differs: ${name}\n`);
  process.stdout.write(`${names.length - different.length} of ${names.length} answers are the same\n`);
  if (different.length > 0) process.exitCode = 1;
}
