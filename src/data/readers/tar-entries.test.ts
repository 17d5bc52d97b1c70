import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { tarOf } from "../pairs/fixtures/pictures.ts";
import { type TarEntry, tarEntries, tarEntryBytes } from "./tar-entries.ts";

const root = mkdtempSync(join(tmpdir(), "tar-entries-"));
after(() => rmSync(root, { recursive: true }));

const members = Array.from({ length: 4 }, (_, i) => [`${i}.txt`, `text number ${i} `.repeat(50)] as const);

/** The content of a tar of these bytes: names and damages in order. */
function read(bytes: Buffer): string[] {
  const file = join(root, "read.tar");
  writeFileSync(file, bytes);
  return [...tarEntries(file)].map((entry) => ("damage" in entry ? `! ${entry.damage}` : entry.name));
}

test("members with long names in the ustar, GNU and pax formats are found and read one by one", () => {
  const name = `${"deep/".repeat(30)}${"long-".repeat(25)}ü.txt`;
  mkdirSync(join(root, "tree", name, ".."), { recursive: true });
  writeFileSync(join(root, "tree", name), "far down");
  writeFileSync(join(root, "tree", "plain.txt"), "up here");
  for (const format of ["gnu", "pax"]) {
    const file = join(root, `${format}.tar`);
    const made = spawnSync("tar", [`--format=${format}`, "-C", join(root, "tree"), "-cf", file, name, "plain.txt"]);
    assert.equal(made.status, 0, String(made.stderr));
    const entries = [...tarEntries(file)].filter((entry): entry is TarEntry => !("damage" in entry));
    assert.deepEqual(
      entries.map((entry) => [entry.name, String(tarEntryBytes(file, entry))]),
      [
        [name, "far down"],
        ["plain.txt", "up here"],
      ],
    );
  }
});

test("a damaged header loses only its own member, and its bytes are reported", async () => {
  const bytes = await tarOf(members);
  const second = 512 + 1024;
  bytes[second + 3] = 0xff;
  assert.deepEqual(read(bytes), [
    "0.txt",
    `! bytes ${second} to ${2 * second} are not a readable member`,
    "2.txt",
    "3.txt",
  ]);
});

test("a truncated tar gives its complete members and reports the rest, wherever it ends", async () => {
  const bytes = await tarOf(members);
  const whole = read(bytes);
  assert.deepEqual(whole, ["0.txt", "1.txt", "2.txt", "3.txt"]);
  for (let cut = 1; cut < 4 * 1536; cut += 77) {
    const found = read(bytes.subarray(0, cut));
    const last = found.pop()!;
    assert.match(last, /^! (.* is truncated|the end mark is missing)/);
    assert.deepEqual(found, whole.slice(0, found.length));
  }
});

test("bytes that are not a tar are reported without an exception, and sizes in them are not trusted", () => {
  const noise = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * i * 31 + 7) % 256));
  assert.deepEqual(read(noise), [
    "! bytes 0 to 5000 are not a readable member",
    "! the end mark is missing; is the tar truncated?",
  ]);
  assert.deepEqual(read(Buffer.alloc(0)), ["! the end mark is missing; is the tar truncated?"]);
});

test("a member of a negative size leads back to no header", () => {
  const header = Buffer.alloc(512);
  header.write("a.png");
  // One block back, in octal.
  header.write("-0000001000", 124);
  header.fill(" ", 148, 156);
  header.write("0", 156);
  header.write(
    header
      .reduce((sum, byte) => sum + byte)
      .toString(8)
      .padStart(6, "0"),
    148,
  );
  assert.deepEqual(read(Buffer.concat([header, Buffer.alloc(1024)])), [
    "! bytes 0 to 1536 are not a readable member",
    "! the end mark is missing; is the tar truncated?",
  ]);
});
