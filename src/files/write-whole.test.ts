import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { InputError } from "../errors.ts";
import { temporarySuffix } from "./temporary-folders.ts";
import {
  openNew,
  openPartNow,
  replaceWhole,
  temporaryName,
  writeInto,
  writeWhole,
  writeWholeFolder,
  writeWholeNow,
} from "./write-whole.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "write-whole-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("every form of content is written, folders are created, and no temporary file is left", async () => {
  await writeWhole(join(folder, "a", "text.txt"), "one");
  writeWholeNow(join(folder, "a", "now.txt"), "two");
  await writeWhole(join(folder, "a", "handle.bin"), async (handle) => {
    await handle.appendFile("thr");
    await handle.appendFile("ee");
  });
  await replaceWhole(join(folder, "a", "path.bin"), async (draft) => (await openNew(draft)).close());
  assert.equal(await writeInto(folder, "a/into.txt", "four"), join(folder, "a/into.txt"));
  assert.deepEqual(readdirSync(join(folder, "a")).sort(), [
    "handle.bin",
    "into.txt",
    "now.txt",
    "path.bin",
    "text.txt",
  ]);
  assert.equal(readFileSync(join(folder, "a", "handle.bin"), "utf8"), "three");
});

test("a failure leaves the old file and no temporary file", async () => {
  const file = join(folder, "kept.txt");
  writeFileSync(file, "old");
  const failing = writeWhole(file, async (handle) => {
    await handle.appendFile("half");
    throw new Error("the work failed");
  });
  await assert.rejects(failing, /the work failed/);
  assert.equal(readFileSync(file, "utf8"), "old");
  assert.deepEqual(readdirSync(folder), ["kept.txt"]);
});

test("links under guessable names are not followed", async () => {
  const victim = join(folder, "victim");
  writeFileSync(victim, "mine");
  const file = join(folder, "out.json");
  for (const ending of [".part", ".tmp", ".whole", `.${process.pid}.part`]) symlinkSync(victim, file + ending);
  await writeWhole(file, "one");
  writeWholeNow(file, "two");
  assert.equal(readFileSync(victim, "utf8"), "mine");
  assert.equal(readFileSync(file, "utf8"), "two");
  assert.notEqual(temporaryName(file), temporaryName(file));
  const planted = temporaryName(file);
  symlinkSync(victim, planted);
  await assert.rejects(openNew(planted), { code: "EEXIST" });
});

test("an incomplete file is opened to continue it, and a link or a folder is refused", () => {
  const victim = join(folder, "victim");
  writeFileSync(victim, "mine");
  symlinkSync(victim, join(folder, "linked.part"));
  assert.throws(
    () => openPartNow(join(folder, "linked.part")),
    (error: Error) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, /linked\.part: is a link or a special file.*remove it/);
      return true;
    },
  );
  assert.throws(() => openPartNow(folder), InputError);
  assert.ok(openPartNow(join(folder, "new.part")) > 0);
});

test("a file does not replace a folder or a device, and a folder does not replace a file", async () => {
  await assert.rejects(writeWhole(folder, "x"), /a folder has this name; choose another name for the file/);
  await assert.rejects(writeWhole("/dev/full", "x"), /a special file has this name/);
  writeFileSync(join(folder, "file"), "");
  await assert.rejects(
    writeWholeFolder(join(folder, "file"), async () => {}),
    /a file has this name; choose another name for the folder/,
  );
  await assert.rejects(writeWhole(join(folder, "file", "x"), "x"), /ENOTDIR.*check that its folder exists/);
  await assert.rejects(
    writeWhole(join(folder, "a\0b"), "x"),
    /a\\0b: cannot be written \(the path contains a NUL character\)/,
  );
});

test("a name of the maximum length is written", async () => {
  const file = join(folder, "x".repeat(255));
  await writeWhole(file, "long");
  assert.equal(readFileSync(file, "utf8"), "long");
});

test("a folder is replaced completely, or kept if writing fails", async () => {
  const target = join(folder, "model");
  mkdirSync(target);
  writeFileSync(join(target, "old.txt"), "old");
  const failing = writeWholeFolder(target, async (draft) => {
    writeFileSync(join(draft, "half.txt"), "");
    throw new Error("the work failed");
  });
  await assert.rejects(failing, /the work failed/);
  assert.deepEqual(readdirSync(target), ["old.txt"]);
  await writeWholeFolder(`${target}/`, async (draft) => writeFileSync(join(draft, "new.txt"), "new"));
  assert.deepEqual(readdirSync(target), ["new.txt"]);
  assert.deepEqual(readdirSync(folder), ["model"]);
  assert.ok(!existsSync(`${target}.part`));
});

test("unfinished folders of killed processes are deleted by the next process that writes the same folder", async () => {
  const gone = spawnSync(process.execPath, ["-e", ""]).pid;
  const [killed, moving] = ["abcdef", "ghijkl"].map((end) => `model${temporarySuffix(gone)}${end}`) as [string, string];
  const others = [
    `model${temporarySuffix(process.pid)}abcdef`,
    `mine${temporarySuffix(gone)}abcdef`,
    "model.part-abcdef",
    moving,
  ];
  for (const name of [killed, ...others]) mkdirSync(join(folder, name, "new"), { recursive: true });
  mkdirSync(join(folder, moving, "old"));
  await writeWholeFolder(join(folder, "model"), async (draft) => {
    assert.ok(!existsSync(join(folder, killed)));
    assert.equal(readdirSync(folder).filter((name) => name.startsWith(`model${temporarySuffix()}`)).length, 2);
    writeFileSync(join(draft, "whole"), "");
  });
  assert.deepEqual(readdirSync(folder).sort(), [...others, "model"].sort());
});
