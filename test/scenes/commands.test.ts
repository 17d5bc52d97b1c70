import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Command } from "commander";
import { addBrowseCommand } from "../../src/apps/cli/browse.ts";
import { addScenesCommand } from "../../src/apps/cli/scenes.ts";

const folder = mkdtempSync(join(tmpdir(), "commands-"));
after(() => rmSync(folder, { recursive: true }));

async function run(...words: string[]): Promise<void> {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  addScenesCommand(program);
  addBrowseCommand(program);
  for (const command of program.commands) command.exitOverride().configureOutput({ writeErr: () => {} });
  await program.parseAsync(words, { from: "user" });
}

const dataset = join(folder, "few");
const scenes = ["scenes", "--out", dataset, "--count", "3", "--size", "64", "--sprites", join(folder, "sprites")];

test("scenes are written and can be viewed as a page and as a contact sheet", async () => {
  await run(...scenes, "--split", "novel");
  const page = join(folder, "page.html");
  await run("browse", join(dataset, "grounding.json"), "--out", page);
  const { images } = JSON.parse(readFileSync(join(dataset, "grounding.json"), "utf8")) as {
    images: { caption: string }[];
  };
  const html = readFileSync(page, "utf8");
  for (const { caption } of images) assert.ok(html.includes(caption), caption);
  assert.ok(!/(src|href)="(?!data:)/.test(html), "nothing is fetched from elsewhere");
  const sheet = join(folder, "sheet.png");
  await run("browse", join(dataset, "instances.json"), "--out", sheet, "--count", "2");
  assert.equal(readFileSync(sheet).readUInt32BE(16), 512);
  // From the second picture on, of three.
  await run("browse", dataset, "--out", page, "--start", "1");
  const shown = [...readFileSync(page, "utf8").matchAll(/<figcaption>(\d+\.png)/g)].map(([, name]) => name);
  assert.deepEqual(shown, ["000001.png", "000002.png"]);
});

test("captions may have names without training data, and may be lists of names", async () => {
  const web = join(folder, "web");
  const shown = ["--names", "dog,otter", "--split", "web", "--captions", "names"];
  await run("scenes", "--out", web, "--count", "4", "--size", "64", "--sprites", join(folder, "sprites"), ...shown);
  const tar = readFileSync(join(web, "000000.tar"), "latin1");
  assert.match(tar, /an otter/);
  assert.match(tar, /\0(?:a dog|an otter|, )+\.\0/);
});

test("invalid options are refused by name", async () => {
  await assert.rejects(run(...scenes, "--split", "style"), /other settings/);
  await assert.rejects(run("scenes", "--out", dataset, "--count", "none"), /whole number from 1/);
  await assert.rejects(run("scenes", "--out", dataset, "--count", "1", "--split", "old"), /Allowed choices are train/);
  await assert.rejects(run("browse", join(folder, "absent.json")), /absent\.json does not exist/);
  await assert.rejects(run("browse", join(dataset, "scenes.json")), /scenes\.json[\s\S]*images[\s\S]*annotations/);
  await assert.rejects(
    run("browse", join(dataset, "instances.json"), "--images", folder),
    /pictures are missing \(000000\.png/,
  );
});
