import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { duckdb, fileLiteral, literal } from "./duckdb.ts";

const folder = mkdtempSync(join(tmpdir(), "duckdb-"));
after(() => rmSync(folder, { recursive: true }));

test("a file name is not read as a pattern", async () => {
  const connection = await duckdb();
  const files = ["[ab]?*.parquet", "a1.parquet", "b22.parquet"].map((name) => join(folder, name));
  for (const [i, file] of files.entries())
    await connection.run(`COPY (SELECT ${i} AS number) TO ${literal(file)} (FORMAT parquet)`);
  for (const [i, file] of files.entries()) {
    const read = await connection.runAndReadAll(`SELECT number FROM read_parquet(${fileLiteral(file)})`);
    assert.deepEqual(read.getRows(), [[i]]);
  }
});

test("data that does not fit into memory is written to the temporary folder, not to the working folder", async () => {
  const connection = await duckdb();
  const [[spills]] = (await connection.runAndReadAll("SELECT current_setting('temp_directory')")).getRows() as [
    [string],
  ];
  assert.ok(spills.startsWith(join(tmpdir(), "groundling-duckdb-")), spills);
  await connection.run("SET memory_limit = '20MB'");
  await connection.run("CREATE TEMP TABLE large AS SELECT random() AS number FROM range(4000000)");
  assert.ok(existsSync(spills));
  await connection.run("DROP TABLE large");
  await connection.run("RESET memory_limit");
  assert.ok(!existsSync(resolve(".tmp")));
});
