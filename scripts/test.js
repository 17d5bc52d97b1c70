// Runs every *.test.ts (or those under the paths given) with Node's own runner. Under CI=true a skipped test is a failure.
import { spawn } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const roots = process.argv.slice(2);
const files = (roots.length ? roots : ["src", "test", "examples"]).flatMap(testsUnder).sort();
const child = spawn(
  process.execPath,
  ["--import", "tsx", "--test", "--test-concurrency=2", "--test-reporter=spec", ...files],
  {
    stdio: ["ignore", "pipe", "inherit"],
  },
);
let tail = "";
child.stdout.on("data", (bytes) => {
  process.stdout.write(bytes);
  tail = (tail + bytes).slice(-4000);
});
child.on("close", (code) => {
  const skipped = Number(/ℹ skipped (\d+)/.exec(tail)?.[1] ?? 0) + Number(/ℹ todo (\d+)/.exec(tail)?.[1] ?? 0);
  if (process.env.CI === "true" && skipped > 0) {
    console.error(`${skipped} tests were skipped; CI allows none`);
    process.exit(1);
  }
  process.exit(code ?? 1);
});

function testsUnder(path) {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".test.ts"))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}
