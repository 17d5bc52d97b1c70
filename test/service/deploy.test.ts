/** The files in deploy/ start the service with options that it has, and probe routes that it has. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import { programFor } from "../../src/apps/cli/program.ts";
import { openApi } from "../../src/apps/service/api/openapi.ts";
import { repository } from "../cli/running.ts";

const files = ["Dockerfile", "compose.yaml", "groundling.service", "kubernetes.yaml"];
const textOf = (file: string) => readFileSync(join(repository, "deploy", file), "utf8");

test("every option that is given to groundling serve exists", async () => {
  const [serve] = (await programFor(["serve"])).commands;
  const known = serve!.options.map(({ long }) => long);
  for (const file of files) {
    const lines = textOf(file)
      .split("\n")
      .filter((line) => /\bserve\b.*--/.test(line));
    assert.ok(lines.length > 0, file);
    for (const line of lines) {
      const given = line.slice(line.search(/\bserve\b/)).match(/--[a-z-]+/g)!;
      for (const option of given) assert.ok(known.includes(option), `${file}: ${option}`);
    }
  }
});

test("the YAML files are valid, and the probed routes exist", () => {
  const paths = Object.keys(openApi("1.0.0")["paths"] as object);
  for (const file of files.filter((name) => name.endsWith(".yaml")))
    for (const document of parseAllDocuments(textOf(file))) assert.deepEqual(document.errors, [], file);
  const probed = [
    ...textOf("kubernetes.yaml").matchAll(/path: (\/\w+)/g),
    ...textOf("Dockerfile").matchAll(/:8080(\/\w+)/g),
  ];
  assert.ok(probed.length >= 4);
  for (const [, path] of probed) assert.ok(paths.includes(path!), path);
});
