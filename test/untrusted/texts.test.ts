import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { programFor } from "../../src/apps/cli/program.ts";
import { InputError, RecipeError, WeightsError } from "../../src/errors.ts";
import { writeTinyModel } from "../cli/running.ts";

const root = mkdtempSync(join(tmpdir(), "texts-"));
after(() => rmSync(root, { recursive: true }));
const at = (name: string) => join(root, name);
execFileSync("mkfifo", [at("pipe")]);
symlinkSync("/dev/zero", at("endless"));
// 8 GB that take no room on the disk.
writeFileSync(at("huge"), "");
truncateSync(at("huge"), 8e9);
writeFileSync(at("truth.json"), '{"images": [], "annotations": [], "categories": []}');
await writeTinyModel(at("model"));

/** Commands that read a text that the user names, up to its name. */
const readers = (text: string): string[][] => [
  ["detect", "none.png", "--classes-file", text],
  ["detect", `@${text}`, "--classes", "dog"],
  ["classify", "none.png", "--model", "none", "--labels-file", text],
  ["embed", "--model", "none", "--out", at("out.npy"), "--text-file", text],
  ["convert", "none.pth", "--to", at("out"), "--vocab", text],
  ["train", text],
  ["data", "check", text],
  ["data", "check", text, "--as", "coco"],
  ["data", "check", text, "--as", "odvg"],
  ["data", "convert", text, "--as", "coco", "--to", "yolo", at("out")],
  ["browse", text, "--as", "mdetr", "--out", at("out.html")],
  ["eval", "--ground-truth", text, "--detections", at("truth.json")],
  ["eval", "--ground-truth", at("truth.json"), "--detections", text],
  ["eval", "compare", text, text, "--ground-truth", at("truth.json")],
  ["adapt", "--data", text, "--method", "prompt", "--out", at("adapted")],
  ["adapt", "--data", at("truth.json"), "--captions", text, "--model", at("model"), "--out", at("adapted")],
  ["pseudo-label", text, "--out", at("labelled")],
  ["inspect", text, "--model", at("model"), "--prompt", "dog", "--out", at("out.safetensors")],
];

test("a text that is a pipe, a device or larger than memory is refused at once, by every command", async () => {
  // Datasets of lines are read line by line, however many there are.
  for (const name of ["pipe", "endless", "huge"])
    for (const words of name === "huge" ? readers(at(name)).slice(0, 6) : readers(at(name))) {
      const before = process.resourceUsage();
      await assert.rejects(
        async () => (await programFor(words)).exitOverride().parseAsync(words, { from: "user" }),
        (error: Error) => {
          assert.ok(
            [InputError, RecipeError, WeightsError].some((kind) => error instanceof kind),
            `${words}: ${error.stack}`,
          );
          assert.ok(error.message.includes(at(name)), `${words}: ${error.message}`);
          return true;
        },
      );
      const taken = process.resourceUsage();
      assert.ok(taken.userCPUTime - before.userCPUTime < 5e6, words.join(" "));
      assert.ok(taken.maxRSS < 1.5e6, `${words}: ${taken.maxRSS} kB`);
    }
});
