import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { programFor } from "../../src/apps/cli/program.ts";
import { InputError } from "../../src/errors.ts";
import { checkWritableFile, checkWritableFolder } from "../../src/files/writable.ts";

const root = mkdtempSync(join(tmpdir(), "outputs-"));
writeFileSync(join(root, "file"), "mine");
after(() => rmSync(root, { recursive: true }));

/** Commands that write, without their output path. Their other input is missing, which would be reported later. */
const folders = [
  ["detect", "none.png", "--classes", "dog", "--out"],
  ["pseudo-label", "none.tar", "--out"],
  ["train", "none.json", "--out"],
  ["adapt", "--data", "none.json", "--out"],
  ["convert", "none.pth", "--to"],
  ["scenes", "--count", "1", "--out"],
  ["data", "convert", "none.json", "--to", "yolo"],
  ["eval", "--data", "none.json", "--protocol", "odinw", "--detections"],
];
const files = [
  ["browse", "none.json", "--out"],
  ["embed", "none.png", "--model", "none", "--out"],
  ["export", "--classes", "dog", "--size", "32x32", "--out"],
  ["inspect", "none.png", "--model", "none", "--prompt", "dog", "--out"],
  ["data", "convert", "none.json", "--to", "coco"],
  ["eval", "--data", "none.json", "--detections"],
  ["eval", "--ground-truth", "none.json", "--detections", "none.jsonl", "--report"],
];

const refused = (said: RegExp) => (error: Error) => {
  assert.ok(error instanceof InputError, String(error));
  assert.match(error.message, said);
  assert.ok(!error.message.includes("\n") && !error.message.includes("none"), error.message);
  return true;
};

async function run(words: readonly string[]): Promise<void> {
  const program = await programFor(words);
  await program.parseAsync(words, { from: "user" });
}

test("each command refuses an invalid output path at once, before reading its input", async () => {
  for (const words of folders) {
    await assert.rejects(run([...words, join(root, "file")]), refused(/file: is a file; give a folder/), words[0]);
    await assert.rejects(
      run([...words, "/dev/full"]),
      refused(/\/dev\/full: is not a folder; give a folder/),
      words[0],
    );
    await assert.rejects(
      run([...words, "/proc/nowhere/x"]),
      refused(/\/proc\/nowhere\/x: cannot be written/),
      words[0],
    );
    await assert.rejects(
      run([...words, "a\0b"]),
      refused(/a\\0b: cannot be written \(the path contains a NUL/),
      words[0],
    );
  }
  for (const words of files) {
    await assert.rejects(run([...words, root]), refused(/is a folder; give a file to write/), words[0]);
    await assert.rejects(run([...words, "/dev/full"]), refused(/\/dev\/full: is not a regular file/), words[0]);
    await assert.rejects(run([...words, join(root, "file", "x")]), refused(/file\/x: cannot be written/), words[0]);
  }
  assert.deepEqual(readdirSync(root), ["file"]);
});

test("a check of a writable path leaves it unchanged", () => {
  checkWritableFile(join(root, "new", "folder", "x.json"));
  checkWritableFile(join(root, "file"));
  checkWritableFolder(join(root, "new"));
  checkWritableFolder(root);
  assert.deepEqual(readdirSync(root), ["file"]);
  assert.ok(existsSync("/dev/full"));
});
