import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { checkIconSets } from "./sprites.ts";

const repository = resolve(".");
const project = mkdtempSync(join(tmpdir(), "project-"));
after(() => {
  process.chdir(repository);
  rmSync(project, { recursive: true });
});

test("all missing icon sets are named at once, with one command that installs them", () => {
  checkIconSets(["noto", "twemoji"]);
  assert.throws(() => checkIconSets(["noto", "first-set", "twemoji", "second-set", "first-set"]), {
    name: "InputError",
    message:
      "the icon sets first-set, second-set are not installed; run: npm install @iconify-json/first-set @iconify-json/second-set",
  });
});

test("icon sets of the project in the working directory are found, too", () => {
  const set = join(project, "node_modules", "@iconify-json", "project-set");
  mkdirSync(set, { recursive: true });
  writeFileSync(join(set, "package.json"), JSON.stringify({ name: "@iconify-json/project-set", version: "1.0.0" }));
  assert.throws(() => checkIconSets(["project-set"]), /the icon set project-set is not installed/);
  process.chdir(project);
  checkIconSets(["project-set"]);
});
