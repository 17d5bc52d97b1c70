import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { csvLine } from "../../src/apps/detections/csv.ts";
import { plainTable } from "../../src/apps/detections/plain-table.ts";
import { tableOf } from "../../src/apps/detections/table.ts";
import { visible, visibleLines } from "../../src/files/visible.ts";
import { groundling } from "../cli/running.ts";

/** Characters that clear the screen, set the title and change the direction of writing, and an eight-bit control character. */
const evil = "\x1b[2J\x1b]0;title\x07\u202e\u009b31m\rdog\nline";
/** All control characters except the line break and the tab. */
const commanding = /(?![\n\t])[\p{Cc}\u202a-\u202e]/u;
const root = mkdtempSync(join(tmpdir(), "terminal-"));
after(() => rmSync(root, { recursive: true }));

test("characters that control a terminal are escaped", () => {
  assert.equal(visible("a\x1b[2J\nb\t"), "a\\u001b[2J\\nb\\t");
  assert.equal(visibleLines("a\n\tb\r\u009bc"), "a\n\tb\\r\\u009bc");
  assert.equal(visible("猫 🐱 é"), "猫 🐱 é");
});

test("tables escape class and file names", () => {
  const box = { xmin: 0, ymin: 0, xmax: 1, ymax: 1 };
  const detections = [{ label: evil, score: 1, box }];
  const table = tableOf({ image: evil, name: evil, width: 1, height: 1, detections });
  for (const text of [table, plainTable(["name"], [[evil]])]) assert.ok(!commanding.test(text), JSON.stringify(text));
  assert.match(table, /\\u001b\[2J/);
});

test("data check and error messages also escape them", async () => {
  const file = join(root, "\x1b[2Jinstances.json");
  const json = {
    images: [{ id: evil, file_name: evil, width: 1, height: 1 }],
    annotations: [{ id: 1, image_id: evil, category_id: 7, bbox: [0, 0, 1, 1], area: 1 }],
    categories: [{ id: 1, name: evil }],
  };
  writeFileSync(file, JSON.stringify(json));
  for (const words of [
    ["data", "check", file],
    ["data", "convert", file, join(root, "out\x1b[2J"), "--to", "odvg"],
    ["browse", file, "--out", join(root, "page.html")],
    ["train", join(root, "\x1b]0;x\x07none.json")],
  ]) {
    const { code, stdout, stderr } = await groundling(words);
    assert.equal(code, 1, stderr);
    assert.ok(!commanding.test(stdout + stderr), JSON.stringify(stdout + stderr));
    assert.match(stdout + stderr, /\\u001b/);
  }
});

test("CSV texts that start like formulas stay text, and numbers stay numbers", () => {
  assert.equal(
    csvLine(["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "dog", -1.5]),
    "'=1+1,'+1,'-1,'@SUM(A1),'\tx,dog,-1.5\r\n",
  );
  assert.equal(csvLine(['=HYPERLINK("http://x","y")', "\rx"]), `"'=HYPERLINK(""http://x"",""y"")","'\rx"\r\n`);
});
