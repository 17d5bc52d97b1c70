import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readNameTable } from "./names.ts";

const table = readNameTable();
const everywhere = [...table.names, ...table.novel];

test("more than a hundred names and their drawings are held out of training", () => {
  assert.ok(table.novel.size >= 100 && table.names.size >= 300, `${table.names.size} and ${table.novel.size}`);
  const trained = new Set([...table.names.values()].flat());
  for (const [name, icons] of table.novel) {
    assert.ok(!table.names.has(name), name);
    for (const icon of icons) assert.ok(!trained.has(icon), icon);
  }
});

test("rendered models have no held-out name", () => {
  assert.ok(table.modelled.includes("table"));
  for (const name of table.modelled) assert.ok(!table.novel.has(name), name);
});

test("no drawing has two names", () => {
  const icons = everywhere.flatMap(([, icons]) => icons);
  assert.deepEqual(
    icons.filter((icon, i) => icons.indexOf(icon) !== i),
    [],
  );
});

test("relations between names are mutual and stay within the table", () => {
  const more = [...table.more.values()].flatMap((icons) => [...icons.keys()]);
  const names = new Set([...everywhere.map(([name]) => name), ...table.modelled, ...more]);
  for (const name of names)
    for (const other of table.relatedTo(name)) {
      assert.ok(names.has(other), other);
      assert.ok(table.relatedTo(other).has(name));
    }
  assert.ok(table.relatedTo("duck").has("bird"));
});

test("drawings used only in training have no held-out name or icon", () => {
  const told = new Set([...everywhere.map(([name]) => name), ...table.modelled]);
  const names = new Set([...table.more.values()].flatMap((icons) => [...icons.keys()]));
  assert.ok([...names].filter((name) => !told.has(name)).length > 300);
  const keptOut = new Set([...table.novel.keys(), ...[...table.novel.values()].flat()]);
  for (const [style, icons] of table.more)
    for (const [name, ids] of icons) {
      assert.ok(!keptOut.has(name), name);
      for (const id of ids) assert.ok(!keptOut.has(id), `${style}: ${id}`);
    }
  assert.ok(table.relatedTo("mug").has("cup"));
});

test("the authors of every style are credited", () => {
  const styles = [...table.trainingStyles, ...table.heldOutStyles, ...table.more.keys()];
  for (const file of ["NOTICE", "assets/world/LICENSES.md"]) {
    const words = new Set(readFileSync(file, "utf8").split(/[^\w-]+/));
    assert.deepEqual(
      styles.filter((style) => !words.has(style)),
      [],
      file,
    );
  }
});
