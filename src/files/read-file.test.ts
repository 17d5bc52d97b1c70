import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { InputError } from "../errors.ts";
import { fileWithin, readBytes, readTextFile } from "./read-file.ts";
import { filesUnder } from "./walk.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "read-file-")));
const folder = join(root, "images");
const refused = (pattern: RegExp) => (error: Error) => {
  assert.ok(error instanceof InputError, String(error));
  assert.match(error.message, pattern);
  return true;
};

before(() => {
  mkdirSync(join(folder, "part"), { recursive: true });
  writeFileSync(join(root, "secret.txt"), "secret");
  writeFileSync(join(folder, "one.txt"), "one");
  writeFileSync(join(folder, "part", "two.txt"), "two");
  symlinkSync(join(root, "secret.txt"), join(folder, "leak.txt"));
  symlinkSync("part/two.txt", join(folder, "linked.txt"));
  symlinkSync(folder, join(root, "alias"));
  symlinkSync("loop", join(folder, "loop"));
  execFileSync("mkfifo", [join(folder, "pipe")]);
});
after(() => rmSync(root, { recursive: true }));

test("a file in a folder is found by its name, by a link inside the folder, and by an absolute path", () => {
  assert.equal(fileWithin(folder, "one.txt"), join(folder, "one.txt"));
  assert.equal(fileWithin(folder, "linked.txt"), join(folder, "linked.txt"));
  assert.equal(fileWithin(folder, join(folder, "part/two.txt")), join(folder, "part/two.txt"));
  assert.equal(fileWithin(join(root, "alias"), "one.txt"), join(root, "alias", "one.txt"));
  assert.equal(fileWithin(folder, "none.txt"), undefined);
  assert.equal(fileWithin(folder, join(root, "secret.txt")), undefined);
});

test("names outside a folder are refused in all forms", () => {
  for (const name of ["../secret.txt", "part/../../secret.txt", "leak.txt", "a\0b", "../images-of-another/x"])
    assert.throws(() => fileWithin(folder, name), refused(/is outside .*images, and only files inside it are read/));
});

test("pipes, folders and circular links are refused", () => {
  assert.throws(() => fileWithin(folder, "pipe"), refused(/pipe: is not a regular file/));
  assert.throws(() => fileWithin(folder, "part"), refused(/part: is not a regular file/));
  assert.throws(() => fileWithin(folder, "loop"), refused(/loop: cannot be read \(ELOOP/));
});

test("only regular files within a limit are read", () => {
  assert.equal(readTextFile(join(folder, "one.txt")), "one");
  assert.equal(readBytes(join(folder, "one.txt"), 3).length, 3);
  assert.throws(() => readBytes(join(folder, "one.txt"), 2), refused(/it has 3 bytes, more than the limit of 2/));
  // Its size is given as 0, but it has content.
  assert.throws(() => readBytes("/proc/self/status", 10), refused(/it has more than the limit of 10 bytes/));
  for (const path of ["/dev/zero", join(folder, "pipe"), folder])
    assert.throws(() => readTextFile(path), refused(/it is not a regular file; save it to a file/));
  assert.throws(() => readTextFile(join(folder, "none")), refused(/cannot be read \(ENOENT/));
  assert.throws(() => readTextFile("a\0b"), refused(/a\\0b: cannot be read \(the path contains a NUL/));
});

test("a folder with circular links is listed in linear time", () => {
  const walked = join(root, "walked");
  for (const name of ["a", "b"]) mkdirSync(join(walked, name), { recursive: true });
  // Each folder has two links to the other: 2^40 paths before the system refuses.
  for (const [from, to] of [
    ["a", "b"],
    ["b", "a"],
  ] as const)
    for (const link of ["x", "y"]) symlinkSync(`../${to}`, join(walked, from, link));
  writeFileSync(join(walked, "a", "1.txt"), "");
  writeFileSync(join(walked, "b", "2.txt"), "");
  writeFileSync(join(walked, ".hidden"), "");
  symlinkSync(join(folder, "part"), join(walked, "more"));
  symlinkSync("nothing", join(walked, "broken"));
  const files = filesUnder(walked);
  assert.deepEqual(files.sort(), ["a/1.txt", "a/x/2.txt", "more/two.txt"]);
});
