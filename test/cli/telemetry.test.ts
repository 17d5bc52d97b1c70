import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import sharp from "sharp";
import { groundling, repository, temporaryFolder, writeTinyModel } from "./running.ts";

const folder = temporaryFolder();
const model = join(folder, "model");
const picture = join(folder, "picture.png");
const question = ["--model", model, "--classes", "dog", "--threshold", "0.9"];

before(async () => {
  await writeTinyModel(model);
  await sharp({ create: { width: 40, height: 30, channels: 3, background: "grey" } })
    .png()
    .toFile(picture);
});
after(() => rmSync(folder, { recursive: true }));

test("1,500 paths on the command line all have results", async () => {
  const missing = Array.from({ length: 1499 }, (_, i) => join(folder, `missing-${i}.png`));
  const { code, stdout, stderr } = await groundling(["detect", ...missing, picture, ...question]);
  assert.equal(code, 1);
  assert.match(stdout, /picture\.png \(40 × 30\)/);
  assert.equal(stderr.match(/^groundling: .*missing-\d+\.png/gm)?.length, 1499);
});

test("a prompt of 60,000 characters is read, or refused with a message", async () => {
  const prompt = "dog. ".repeat(12_000);
  const { code, stderr } = await groundling(["detect", picture, "--model", model, "--prompt", prompt]);
  assert.ok(code === 0 || (code === 1 && stderr.startsWith("groundling: ")), `exit code ${code}: ${stderr}`);
});

test("--offline looks up no address, and nothing is written but the answers", () => {
  const [home, temporary, out] = ["home", "temporary", "out"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const made of [home, temporary]) mkdirSync(made);
  const calls = writtenOrAsked(["detect", picture, ...question, "--offline", "--format", "json", "--out", out], {
    HOME: home,
    XDG_CACHE_HOME: join(home, ".cache"),
    TMPDIR: temporary,
  });
  // The program tests whether a folder can be created with a file in the folder above, which it removes at once.
  const asked = `"${join(folder, "groundling.")}`;
  const strange = calls.filter((call) => ![out, asked].some((own) => call.includes(own)));
  assert.deepEqual(strange, []);
  assert.ok(calls.some((call) => call.includes(out)));
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith("groundling.")),
    [],
  );
  assert.deepEqual(
    [home, temporary].map((made) => readdirSync(made)),
    [[], []],
  );
});

/** System calls, as written by strace, with which `groundling` looks up hosts, identifies the machine, or changes files. */
function writtenOrAsked(words: readonly string[], env: Record<string, string>): string[] {
  const log = join(folder, "calls");
  const loader = join(repository, "node_modules/tsx/dist/loader.mjs");
  const program = [process.execPath, "--import", loader, join(repository, "src/apps/cli/main.ts"), ...words];
  const traced = "trace=network,openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,link,symlink,unlink,truncate";
  const ran = spawnSync("strace", ["-f", "-qq", "-s", "200", "-e", traced, "-o", log, ...program], {
    encoding: "utf8",
    env: { ...process.env, TSX_DISABLE_CACHE: "1", ...env },
  });
  assert.equal(ran.status, 0, `${ran.error ?? ""}${ran.stderr}`);
  return readFileSync(log, "utf8")
    .split("\n")
    .map((line) => line.replace(/^\d+ +/, ""))
    .filter((call) =>
      /AF_INET|machine-id|resolv\.conf|O_CREAT|O_WRONLY|O_RDWR|^(creat|mkdir|rename|link|symlink|unlink|truncate)/.test(
        call,
      ),
    )
    .filter((call) => !call.includes('"/dev/'));
}
