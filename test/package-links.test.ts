/** The package as users see it: its page, and the pages that its pages link to. */

import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import fastGlob from "fast-glob";

const { files, repository, homepage, bugs, keywords } = JSON.parse(readFileSync("package.json", "utf8"));
/** npm always packs these, regardless of `files`. */
const ALWAYS = ["README.md", "LICENSE", "package.json"];

test("the package has its repository and description", () => {
  assert.match(repository.url, /^git\+https:\/\/github\.com\/[\w-]+\/[\w-]+\.git$/);
  const home = repository.url.replace(/^git\+|\.git$/g, "");
  assert.equal(homepage, `${home}#readme`);
  assert.equal(bugs, `${home}/issues`);
  assert.ok(keywords.length > 5);
});

test("every link in the package's pages refers to a file in the package, or is absolute", () => {
  const pages = ["README.md", ...pagesIn(files)];
  assert.ok(pages.includes("assets/models/everyday/README.md"));
  const broken = pages.flatMap((page) =>
    [...readFileSync(page, "utf8").matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].flatMap(([, link]) => {
      if (/^[a-z]+:/.test(link!)) return [];
      const file = normalize(join(dirname(page), link!));
      const packed = [...ALWAYS, ...files].some((one: string) => file === one || file.startsWith(`${one}/`));
      return packed && existsSync(file) ? [] : [`${page}: ${link}`];
    }),
  );
  assert.deepEqual(broken, []);
});

function pagesIn(packed: readonly string[]): string[] {
  const folders = packed.filter((one) => existsSync(one) && statSync(one).isDirectory()).map((one) => `${one}/**/*.md`);
  return fastGlob.sync([...packed.filter((one) => one.endsWith(".md")), ...folders]);
}
