import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fuzz } from "./run.ts";
import { subjects } from "./subjects.ts";

const root = mkdtempSync(join(tmpdir(), "fuzz-"));
after(() => rmSync(root, { recursive: true }));
const scratch = mkdtempSync(join(root, "scratch-"));

for (const [name, subject] of Object.entries(await subjects(scratch)))
  test(`mutated files of ${name} are read or refused with a message, in time and within their folder`, async () => {
    const folder = mkdtempSync(join(root, `${name}-`));
    assert.deepEqual(await fuzz(name, subject, { seed: 1, first: 0, count: 200, folder }), []);
  });

test("a crash, a slow read and a file opened outside are reported with the number of the mutation", async () => {
  const told = async (read: () => Promise<unknown>, patience = 5) => {
    const subject = { files: new Map([["x.json", Buffer.from("{}")]]), changed: ["x.json"], read };
    const folder = mkdtempSync(join(root, "told-"));
    return (await fuzz("x", subject, { seed: 1, first: 7, count: 1, folder, patience })).map(
      ({ mutation, problem }) => [mutation, problem.split("\n", 1)[0]],
    );
  };
  const crash = await told(async () => {
    throw new TypeError("x is undefined");
  });
  assert.deepEqual(crash, [[7, "x.json: TypeError: x is undefined"]]);
  assert.deepEqual(await told(async () => readFileSync("/etc/passwd")), [[7, "x.json: opened /etc/passwd"]]);
  const [slow] = await told(async () => undefined, -1);
  assert.match(String(slow), /^7,x\.json: took 0\.\d s$/);
  assert.deepEqual(await told(async () => undefined), []);
});
