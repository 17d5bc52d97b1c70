import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { storeWeights } from "./stored-weights.ts";

const folder = mkdtempSync(join(tmpdir(), "stored-"));
const before = process.env.TMPDIR;
after(() => {
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
  rmSync(folder, { recursive: true });
});

test("a folder of temporary files that is not there, or none, is named with the mend", async () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  for (const place of [join(folder, "nowhere"), file]) {
    process.env.TMPDIR = place;
    await assert.rejects(storeWeights([["weight", Float32Array.of(1, 2)]]), (error: Error) => {
      assert.equal(error.name, "InputError");
      assert.ok(error.message.startsWith(`${place}: the model's weights cannot be written`), error.message);
      assert.match(error.message, /or set TMPDIR to another$/);
      return true;
    });
  }
});
