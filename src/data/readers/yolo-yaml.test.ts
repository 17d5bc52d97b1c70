import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { readYoloYaml } from "./yolo-yaml.ts";

const folder = mkdtempSync(join(tmpdir(), "yolo-yaml-"));
after(() => rmSync(folder, { recursive: true }));

test("keys that are not texts cause no warning from Node", async () => {
  const file = join(folder, "data.yaml");
  writeFileSync(file, "{a: 1}: b\ntrain: images\nnames: [x, y]\n");
  const warnings: Error[] = [];
  const listen = (warning: Error) => warnings.push(warning);
  process.on("warning", listen);
  assert.deepEqual(readYoloYaml(file).names, ["x", "y"]);
  await setImmediate();
  process.off("warning", listen);
  assert.deepEqual(warnings, []);
});

test("a file too large for names, too many names and too many sources are refused", () => {
  const file = join(folder, "large.yaml");
  const refuses = (text: string, message: RegExp) => {
    writeFileSync(file, text);
    assert.throws(() => readYoloYaml(file), { name: "InputError", message });
  };
  refuses(
    `names: [x]\n${"a:\n  0: cat\n".repeat(50_000)}`,
    /large\.yaml: cannot be read \(it has 600011 bytes, more than/,
  );
  refuses(`names: [${"x,".repeat(100_001)}]\n`, /large\.yaml: has 100001 names/);
  refuses(`names: [x]\ntrain: [${"x,".repeat(10_001)}]\n`, /large\.yaml: train has 10001 entries/);
});

test("a text of brackets is refused before it is parsed", () => {
  const file = join(folder, "brackets.yaml");
  writeFileSync(file, `names:\n  0: cat\n  ${"[".repeat(300_000)}`);
  assert.throws(() => readYoloYaml(file), {
    name: "InputError",
    message: `${file}: has 300000 opening brackets, more than the limit of 10000; write names as a list, one per line`,
  });
});

test("many errors in one long line are reported quickly", () => {
  const file = join(folder, "mistakes.yaml");
  writeFileSync(file, `names: [${'"a" "b" '.repeat(50_000)}]\n`);
  const begun = process.cpuUsage().user;
  assert.throws(() => readYoloYaml(file), { name: "InputError", message: /mistakes\.yaml:1: not YAML \(Missing/ });
  // In quadratic time, this takes minutes.
  assert.ok(process.cpuUsage().user - begun < 20e6);
});
