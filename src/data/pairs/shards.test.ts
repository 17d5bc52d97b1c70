import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { duckdb, literal } from "../duckdb.ts";
import { stripes, tarOf } from "./fixtures/pictures.ts";
import { isRefusal } from "./pair.ts";
import { cutSource, readShard } from "./shards.ts";

const root = mkdtempSync(join(tmpdir(), "pair-shards-"));
after(() => rmSync(root, { recursive: true }));

/** Keys of the shards, and what they hold: "picture: caption" or "! place: reason (pairs)". */
async function read(source: string, rows = 2, images?: string): Promise<{ keys: string[]; found: string[] }> {
  const cut = await cutSource(source, { rows, ...(images === undefined ? {} : { images }) });
  const found: string[] = [];
  for (const shard of cut.shards)
    for await (const one of readShard(shard, cut))
      found.push(isRefusal(one) ? `! ${one.file}: ${one.reason} (${one.pairs})` : `${one.file}: ${one.caption}`);
  return { keys: cut.shards.map(({ key }) => key), found };
}

const rows = ["a dog", "two cats", "", "a bird", "a red ball"].map((caption, i) => ({ image: `${i}.png`, caption }));
const pairs = ["0.png: a dog", "1.png: two cats", "! 2.png: no caption (1)", "3.png: a bird", "4.png: a red ball"];

test("tars give their pairs, incomplete pairs and damages, each once", async () => {
  const folder = join(root, "tars");
  mkdirSync(join(folder, "more"), { recursive: true });
  const members: [string, string | Buffer][] = [
    ["a.png", await stripes(1)],
    ["a.txt", "a dog\n"],
    ["a.json", '{"caption": "a dog", "url": "x"}'],
    ["b.png", await stripes(2)],
    ["c.txt", "a lonely text"],
    ["d.png", await stripes(3)],
    ["d.json", '{"caption": "a cat'],
    ["e.png", await stripes(4)],
    ["e.json", '{"caption": "a \\ud83d bird"}'],
  ];
  const whole = await tarOf(members);
  writeFileSync(join(folder, "0.tar"), whole);
  writeFileSync(join(folder, "more/1.tar"), whole.subarray(0, whole.length - 1024 - 510));
  writeFileSync(join(folder, "more/2.tar"), whole.subarray(0, whole.length - 1024 - 1024 - 300));
  const { keys, found } = await read(folder);
  assert.deepEqual(keys, ["0", "more/1", "more/2"]);
  const both = (file: string) => [
    `${file}/a.png: a dog`,
    `! ${file}/b.png: no caption (1)`,
    `! ${file}/c: no picture (1)`,
    `! ${file}: damaged file (0)`,
    `! ${file}/d.png: no caption (1)`,
  ];
  assert.deepEqual(found, [
    ...both("0.tar"),
    "0.tar/e.png: a \uFFFD bird",
    ...both("more/1.tar"),
    "! more/1.tar: damaged file (0)",
    "! more/1.tar/e.png: no caption (1)",
    // Damage is reported before the pair that precedes it.
    ...both("more/2.tar").toSpliced(3, 0, "! more/2.tar: damaged file (0)"),
    "! more/2.tar/e: no picture (1)",
  ]);
});

test("lists of lines are split by rows, and rows without a pair are reported with their line", async () => {
  const folder = join(root, "lists");
  mkdirSync(folder);
  writeFileSync(
    join(folder, "l.jsonl"),
    `${rows.map((row) => JSON.stringify(row)).join("\n")}\n{"image": "5.png\n\n[1]\n`,
  );
  writeFileSync(join(folder, "named.tsv"), `caption\tid\tfile_name\r\na dog\t7\t0.png\r\na cat\t8`);
  writeFileSync(join(folder, "plain.tsv"), "0.png\ta dog\n1.png\t a cat \n");
  const { keys, found } = await read(folder);
  assert.deepEqual(keys, ["l-00000", "l-00001", "l-00002", "l-00003", "named-00000", "plain-00000"]);
  assert.deepEqual(found, [
    ...pairs,
    "! l.jsonl:6: damaged record (1)",
    "! l.jsonl:8: damaged record (1)",
    "0.png: a dog",
    "! named.tsv:3: no picture (1)",
    "0.png: a dog",
    "1.png: a cat",
  ]);
});

test("a list of captions gives a pair for each, in JSON lines and in Parquet", async () => {
  const folder = join(root, "several");
  mkdirSync(folder);
  const file = join(folder, "a.jsonl");
  const several = [
    { image: "0.png", captions: ["a dog", " two cats "] },
    { image: "1.png", captions: ["", "a bird"] },
    { image: "2.png", captions: [] },
  ];
  writeFileSync(file, several.map((row) => JSON.stringify(row)).join("\n"));
  await (await duckdb()).run(
    `COPY (SELECT * FROM read_json(${literal(file)})) TO ${literal(join(folder, "b.parquet"))}`,
  );
  const { found } = await read(folder, 10);
  const once = [
    "0.png: a dog",
    "0.png: two cats",
    "! 1.png: no caption (1)",
    "1.png: a bird",
    "! 2.png: no caption (1)",
  ];
  assert.deepEqual(found, [...once, ...once]);
});

test("a line of any length is one refusal, and the lines after it are read", async () => {
  const file = join(root, "long.jsonl");
  const long = Buffer.alloc(17 << 20, "x");
  writeFileSync(
    file,
    Buffer.concat([Buffer.from(`${JSON.stringify(rows[0])}\n`), long, Buffer.from(`\n${JSON.stringify(rows[1])}`)]),
  );
  const { found } = await read(file);
  assert.deepEqual(found, ["0.png: a dog", "! long.jsonl:2: long caption (1)", "1.png: two cats"]);
});

test("Parquet is split by rows; a truncated file is one refusal among intact ones", async () => {
  const folder = join(root, "parquet");
  mkdirSync(folder);
  writeFileSync(join(folder, "rows.json"), JSON.stringify(rows));
  const whole = join(folder, "b.parquet");
  await (await duckdb()).run(
    `COPY (SELECT image, nullif(caption, '') AS caption, 7 AS other FROM read_json(${literal(join(folder, "rows.json"))})) TO ${literal(whole)}`,
  );
  writeFileSync(join(folder, "a.parquet"), readFileSync(whole).subarray(0, 200));
  const { keys, found } = await read(folder);
  assert.deepEqual(keys, ["a-00000", "b-00000", "b-00001", "b-00002"]);
  assert.deepEqual(found, ["! a.parquet: damaged file (0)", ...pairs]);
});

test("pictures are paired with texts of the same name, and unpaired files are reported", async () => {
  const folder = join(root, "pictures");
  mkdirSync(join(folder, "sub"), { recursive: true });
  for (const name of ["a.png", "a-b.jpg", "sub/c.png", "d.png"]) writeFileSync(join(folder, name), await stripes(1));
  for (const name of ["a.txt", "a-b.txt", "sub/c.txt", "e.txt"]) writeFileSync(join(folder, name), `text of ${name}\n`);
  const { keys, found } = await read(folder);
  assert.deepEqual(keys, ["pictures-00000", "pictures-00001", "pictures-00002"]);
  assert.deepEqual(found, [
    "a.png: text of a.txt",
    "a-b.jpg: text of a-b.txt",
    "! d.png: no caption (1)",
    "! e.txt: no picture (1)",
    "sub/c.png: text of sub/c.txt",
  ]);
});

test("links to pictures and texts outside the folder are not followed", async () => {
  const folder = join(root, "links");
  mkdirSync(folder);
  writeFileSync(join(root, "secret.txt"), "secret");
  for (const name of ["a.png", "c.png"]) writeFileSync(join(folder, name), await stripes(1));
  for (const name of ["b.txt", "c.txt"]) writeFileSync(join(folder, name), "text");
  symlinkSync("../secret.txt", join(folder, "a.txt"));
  symlinkSync("../secret.txt", join(folder, "b.png"));
  const { found } = await read(folder);
  assert.deepEqual(found, ["! a.png: no caption (1)", "! b.png: no picture (1)", "c.png: text"]);
});

test("a source without pairs is refused with a list of what is accepted", async () => {
  mkdirSync(join(root, "empty"));
  await assert.rejects(read(join(root, "empty")), /contains no image–text pairs; use tars, lists/);
  await assert.rejects(read(join(root, "absent")), /absent does not exist/);
});

test("COCO's captions give a pair for each sentence, from the file or the folder that holds it", async () => {
  const folder = join(root, "coco");
  mkdirSync(join(folder, "annotations"), { recursive: true });
  mkdirSync(join(folder, "val2017"));
  for (const name of ["1.png", "2.png", "3.png"]) writeFileSync(join(folder, "val2017", name), "never opened here");
  const images = [1, 2, 3].map((id) => ({ id, file_name: `${id}.png`, width: 4, height: 3 }));
  const annotations = [
    { id: 1, image_id: 1, caption: "a dog " },
    { id: 2, image_id: 3, caption: "two cats" },
    { id: 3, image_id: 1, caption: "a brown dog" },
    { id: 4, image_id: 9, caption: "nowhere" },
  ];
  const file = join(folder, "annotations", "captions_val2017.json");
  writeFileSync(file, JSON.stringify({ images, annotations }));
  const said = ["1.png: a dog", "1.png: a brown dog", "! 2.png: no caption (1)", "3.png: two cats"];
  const expected = {
    keys: ["captions_val2017-00000", "captions_val2017-00001"],
    found: ["! captions_val2017.json: damaged record (1)", ...said],
  };
  assert.deepEqual(await read(file), expected);
  assert.deepEqual(await read(folder), expected);
  const cut = await cutSource(folder, { rows: 2 });
  for await (const one of readShard(cut.shards[1]!, cut))
    assert.equal("picture" in one && one.picture, join(folder, "val2017", "3.png"));
  writeFileSync(join(folder, "annotations", "captions_train2017.json"), JSON.stringify({ images, annotations }));
  await assert.rejects(cutSource(folder, { rows: 2 }), { name: "InputError", message: /several caption files/ });
});

test("of many damaged records of COCO's captions, the first are named and the others counted", async () => {
  const count = 10_003;
  const annotations = Array.from({ length: count }, (_, i) => ({ id: i + 1, image_id: 9, caption: "nowhere" }));
  const file = join(root, "captions_damaged.json");
  const images = [{ id: 1, file_name: "1.png", width: 4, height: 3 }];
  writeFileSync(file, JSON.stringify({ images, annotations }));
  writeFileSync(join(root, "1.png"), "never opened here");
  const { found } = await read(file);
  const damaged = "! captions_damaged.json: damaged record";
  assert.deepEqual(
    [found.length, found.slice(-3)],
    [10_002, [`${damaged} (1)`, `${damaged} (3)`, "! 1.png: no caption (1)"]],
  );
});
