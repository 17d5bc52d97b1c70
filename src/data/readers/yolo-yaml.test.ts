import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { readYoloYaml } from "./yolo-yaml.ts";

const folder = mkdtempSync(join(tmpdir(), "yolo-yaml-"));
after(() => rmSync(folder, { recursive: true }));

test("keys that are no texts make no warning of Node", async () => {
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
