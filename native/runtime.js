// Fetches ONNX Runtime's native library from the npm registry, after npm has installed everything else.
//
// The package onnxruntime-node holds the CPU library of every platform, but its own installer aborts `npm install` where NuGet, from which
// it fetches CUDA's files, cannot be reached. So it is no dependency: here npm installs it into node_modules/ of this folder without
// running its installer, and the libraries of other platforms are deleted. Nothing here fails an installation: without the library
// Groundling runs on WebAssembly. A copy of onnxruntime-node that your project installs itself is taken instead.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const { nativeRuntime: version } = JSON.parse(readFileSync(join(here, "../package.json"), "utf8")).config;
const libraries = join(here, "node_modules/onnxruntime-node/bin");

if (!isInstalled() && process.env.GROUNDLING_NATIVE_RUNTIME !== "skip") install();

function isInstalled() {
  try {
    // A copy that is whole: an interrupted one has no library.
    const require = createRequire(import.meta.url);
    const folder = dirname(require.resolve("onnxruntime-node/package.json"));
    return libraryFolders(join(folder, "bin")).some(isOurs);
  } catch {
    return false;
  }
}

function install() {
  const options = ["--ignore-scripts", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--global=false"];
  const npm = process.env.npm_execpath;
  const words = ["install", `onnxruntime-node@${version}`, ...options, "--prefix", here];
  // What npm passes on to scripts about the outer installation would decide about this one.
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(?:config_(?:global|prefix|local_prefix|location|omit|include)|package)/.test(name),
    ),
  );
  const run = { cwd: here, env: environment, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] };
  const isNpm = npm !== undefined && /npm-cli\.[cm]?js$/.test(npm);
  const { status, stderr, error } = isNpm
    ? spawnSync(process.execPath, [npm, ...words], run)
    : spawnSync("npm", words, { ...run, shell: process.platform === "win32" });
  if (status === 0) {
    for (const folder of libraryFolders(libraries))
      if (!isOurs(folder)) rmSync(folder, { recursive: true, force: true });
    return;
  }
  rmSync(join(here, "node_modules"), { recursive: true, force: true });
  const reason = (stderr ?? error?.message ?? "").trim().split("\n", 1)[0];
  console.error(
    `groundling: ONNX Runtime's native library was not fetched (${reason}); WebAssembly will be used, which is slower`,
  );
}

/** Folders of libraries as bin/napi-v6/linux/x64. */
function libraryFolders(bin) {
  if (!existsSync(bin)) return [];
  const inside = (folder) =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(folder, name));
  return inside(bin).flatMap(inside).flatMap(inside);
}

function isOurs(folder) {
  return folder.endsWith(join(process.platform, process.arch)) && existsSync(join(folder, "onnxruntime_binding.node"));
}
