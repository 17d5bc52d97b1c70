import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, test } from "node:test";
import { onePicture, picturesNamed, refuseSharedNames } from "./picture-files.ts";

const folder = mkdtempSync(join(tmpdir(), "picture-files-"));
after(() => rmSync(folder, { recursive: true }));
for (const name of ["one", "two"]) mkdirSync(join(folder, name));
const [a, b, drawing] = ["one/same.png", "two/same.png", "one/same.groundling.png"].map((name) => join(folder, name));
for (const file of [a!, b!, drawing!]) writeFileSync(file, "");

async function* bytes(text: string) {
  yield new TextEncoder().encode(text);
}
const images = async (named: readonly string[], input = "") =>
  (await picturesNamed(named, bytes(input))).files.map(({ image }) => image);

test("drawings written by this program are skipped and counted in folders and globs, but read if they are named", async () => {
  const { files, drawings } = await picturesNamed([folder, join(folder, "one", "*.png"), drawing!]);
  assert.deepEqual(
    files.map(({ image }) => image),
    [a, b, a, drawing],
  );
  assert.equal(drawings, 2);
  rmSync(a!);
  await assert.rejects(picturesNamed([join(folder, "one")]), { name: "InputError", message: /only drawings of this/ });
  await assert.rejects(picturesNamed([join(folder, "one", "*")]), /no file matches but drawings/);
  writeFileSync(a!, "");
});

test("a list has files, folders, globs and URLs, one per line, with paths relative to the working folder", async () => {
  const list = join(folder, "list.txt");
  const lines = [
    "\ufeff" + a,
    "",
    relative(".", b!),
    join(folder, "t*", "*.png"),
    "http://127.0.0.1/x.png",
    "@kept.png",
  ];
  writeFileSync(list, lines.join("\r\n"));
  const wanted = [a, relative(".", b!), b, "http://127.0.0.1/x.png", "@kept.png"];
  assert.deepEqual(await images([`@${list}`]), wanted);
  assert.deepEqual(await images(["@-"], lines.join("\n")), wanted);
});

test("a list can have fifteen hundred paths", async () => {
  const many = Array.from({ length: 1500 }, (_, i) => join(folder, `picture ${i}.png`));
  assert.deepEqual(await images(["@-"], many.join("\n")), many);
});

test("unreadable lists and pictures on standard input are refused with how to fix them", async () => {
  const refusals: [string[], RegExp][] = [
    [
      ["@nowhere.txt"],
      /nowhere\.txt: cannot be read .*; a list also comes on standard input \(@-\), and a picture with this name is \.\/@nowhere\.txt/,
    ],
    [[`@${a}`], /the list|is empty/],
    [["@-"], /standard input: is empty/],
    [["-"], /standard input: is empty/],
    [["-", "@-"], /standard input can be read only once/],
    [["https://"], /^https:\/\/ is not a valid URL; write it as https:\/\/host\/picture\.jpg/],
  ];
  for (const [named, message] of refusals) await assert.rejects(images(named), { name: "InputError", message });
  await assert.rejects(images(["@-"], "\n \n"), /the list is empty/);
});

test("pictures that would write the same files are refused, unless folders distinguish them", async () => {
  const { files } = await picturesNamed([a!, b!]);
  assert.throws(() => refuseSharedNames(files), /would both be written as same; give the folder that contains both/);
  const { files: inFolder } = await picturesNamed([folder]);
  assert.doesNotThrow(() => refuseSharedNames(inFolder));
});

test("a command that takes one picture reads it from standard input or a list of one, and refuses more", async () => {
  assert.deepEqual(await onePicture("-", bytes("pixels")), Buffer.from("pixels"));
  assert.equal(await onePicture("@-", bytes(`${a}\n`)), a);
  await assert.rejects(onePicture(folder), { name: "InputError", message: /names 2 pictures, where one is taken/ });
});
