import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { loadWorld, renderWorld } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "render-world-"));
after(() => rmSync(root, { recursive: true }));

test("drawings are rendered with pauses into the same files, and give the same world", async () => {
  const [slow, quick] = [join(root, "slow"), join(root, "quick")];
  const world = await renderWorld(slow, { split: "style" });
  assert.deepEqual(world.names, loadWorld(quick, { split: "style" }).names);
  const files = readdirSync(quick);
  assert.equal(files.length, 1);
  assert.deepEqual(readdirSync(slow), files);
  assert.ok(readFileSync(join(slow, files[0]!)).equals(readFileSync(join(quick, files[0]!))));
});

test("rendering the drawings of all training styles takes less than 500 MB", () => {
  const program = `const { renderWorld } = await import(${JSON.stringify(new URL("./index.ts", import.meta.url).href)});
    await renderWorld(${JSON.stringify(join(root, "all"))});
    console.log(process.resourceUsage().maxRSS);`;
  const words = ["--import", "tsx", "--input-type=module", "--eval", program];
  const kilobytes = Number(execFileSync(process.execPath, words, { encoding: "utf8" }));
  assert.equal(readdirSync(join(root, "all")).length, 5);
  assert.ok(kilobytes < 500_000, `${kilobytes} kB`);
});
