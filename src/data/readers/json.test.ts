import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { InputError } from "../../errors.ts";
import { readJsonLines } from "./json.ts";

const folder = mkdtempSync(join(tmpdir(), "json-"));
after(() => rmSync(folder, { recursive: true }));

async function read(file: string) {
  const records: unknown[] = [];
  const said: string[] = [];
  for await (const { line, record } of readJsonLines(file, ({ message }) => said.push(message)))
    records.push([line, record]);
  return { records, said };
}

test("records are read with their lines, for all line ends and texts", async () => {
  const file = join(folder, "lines.jsonl");
  writeFileSync(file, '{"a":"x\u2028y"}\r\n\n  \n[1]\nnone\n"猫"');
  const { records, said } = await read(file);
  assert.deepEqual(records, [
    [1, { a: "x\u2028y" }],
    [4, [1]],
    [6, "猫"],
  ]);
  assert.equal(said.length, 1);
  assert.match(said[0]!, /lines\.jsonl:5: not JSON/);
});

test("a line that is too long is skipped, and the next is read", async () => {
  const file = join(folder, "long.jsonl");
  writeFileSync(file, "");
  // A sparse file, which takes no space on the disk: longer than any string can be.
  truncateSync(file, 600 * 2 ** 20);
  const handle = openSync(file, "a");
  writeSync(handle, "\n[2]\n");
  closeSync(handle);
  const { records, said } = await read(file);
  assert.deepEqual(records, [[2, [2]]]);
  assert.match(said[0]!, /long\.jsonl:1: the line has more than \d+ bytes; write one record per line/);
});

test("a missing file is reported", async () => {
  await assert.rejects(read(join(folder, "none")), (error: Error) => {
    assert.ok(error instanceof InputError);
    assert.match(error.message, /none: cannot be read \(it does not exist\)/);
    return true;
  });
});
