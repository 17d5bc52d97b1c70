import assert from "node:assert/strict";
import { test } from "node:test";
import { readNameTable } from "./names.ts";

const table = readNameTable();
const everywhere = [...table.names, ...table.novel];

test("more than a hundred names are kept out of training, and so are their drawings", () => {
  assert.ok(table.novel.size >= 100 && table.names.size >= 300, `${table.names.size} and ${table.novel.size}`);
  const trained = new Set([...table.names.values()].flat());
  for (const [name, icons] of table.novel) {
    assert.ok(!table.names.has(name), name);
    for (const icon of icons) assert.ok(!trained.has(icon), icon);
  }
});

test("models show no name that is kept out of training", () => {
  assert.ok(table.modelled.includes("table"));
  for (const name of table.modelled) assert.ok(!table.novel.has(name), name);
});

test("no drawing goes by two names", () => {
  const icons = everywhere.flatMap(([, icons]) => icons);
  assert.deepEqual(
    icons.filter((icon, i) => icons.indexOf(icon) !== i),
    [],
  );
});

test("kinship is mutual and between names of the table", () => {
  const names = new Set([...everywhere.map(([name]) => name), ...table.modelled]);
  for (const name of names)
    for (const other of table.kinOf(name)) {
      assert.ok(names.has(other), other);
      assert.ok(table.kinOf(other).has(name));
    }
  assert.ok(table.kinOf("duck").has("bird"));
});
