/** What this machine has for Groundling, and what may be installed. */

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, availableParallelism, cpus, freemem, platform, totalmem } from "node:os";
import { type DeviceTrial, devices, isOnPlatform, tryDevice } from "../../onnx/devices.ts";
import { isNative, runtime } from "../../onnx/index.ts";

/** A program or package that Groundling uses if it is there. */
export interface Optional {
  name: string;
  /** Absent: not installed. */
  version?: string;
  purpose: string;
  /** How to install it. */
  install: string;
}

/** What this machine has. Memory in bytes. */
export interface MachineFacts {
  groundling: string;
  node: string;
  system: string;
  processor: string;
  /** Threads that this process may use at once. */
  threads: number;
  memory: { total: number; free: number };
  /** Whether models run on the native library or on WebAssembly, which is slower. */
  onnxRuntime: { version: string; kind: "native" | "WebAssembly" };
  devices: DeviceTrial[];
  programs: Optional[];
  packages: Optional[];
}

const require = createRequire(import.meta.url);
const ownPackage = require("../../../package.json") as { version: string; peerDependencies: Record<string, string> };

/** Programs with the argument that prints their version. */
const programs = [
  { name: "ffmpeg", argument: "-version", purpose: "video", debian: "ffmpeg", mac: "ffmpeg" },
  {
    name: "redis-server",
    argument: "--version",
    purpose: "labelling in many processes",
    debian: "redis-server",
    mac: "redis",
  },
  {
    name: "mpirun",
    argument: "--version",
    purpose: "training on many machines",
    debian: "openmpi-bin",
    mac: "open-mpi",
  },
] as const;

const purposes: Readonly<Record<string, string>> = {
  "@duckdb/node-api": "Parquet files",
  "@fontsource/inter": "labels in drawings",
  "@napi-rs/canvas": "drawings and generated scenes",
  "@resvg/resvg-js": "generated scenes",
  bullmq: "labelling in many processes",
  eld: "the language of captions",
  ioredis: "labelling in many processes",
  koffi: "training on many machines",
  "onnxruntime-node": "models three times faster",
  "onnxruntime-web": "pages",
  "tar-stream": "WebDataset tars",
};

/** Looks at everything. Each device is tried with a product of matrices, which takes about a second. */
export async function machineFacts(): Promise<MachineFacts> {
  const trials: DeviceTrial[] = [];
  for (const device of devices.filter(isOnPlatform)) trials.push(await tryDevice(device));
  const { env } = await runtime();
  const native = await isNative();
  return {
    groundling: ownPackage.version,
    node: process.version.slice(1),
    system: `${platform()} ${arch()}`,
    processor: cpus()[0]?.model.trim() ?? "unknown",
    threads: availableParallelism(),
    memory: memory(),
    onnxRuntime: { version: env.versions.common, kind: native ? "native" : "WebAssembly" },
    devices: trials,
    programs: await Promise.all(programs.map(programFacts)),
    packages: Object.entries(ownPackage.peerDependencies)
      .filter(([name]) => !(native && name === "onnxruntime-node"))
      .map(([name, version]) => packageFacts(name, version)),
  };
}

/** The limit of a container counts as all memory. */
function memory(): MachineFacts["memory"] {
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return { total: Math.min(totalmem(), limit), free: Math.min(freemem(), process.availableMemory()) };
}

function programFacts({ name, argument, purpose, debian, mac }: (typeof programs)[number]): Promise<Optional> {
  const install = `apt-get install ${debian} (Debian, Ubuntu), brew install ${mac} (macOS)`;
  return new Promise((resolve) => {
    execFile(name, [argument], { timeout: 10_000 }, (error, stdout) => {
      const version = /\d+\.\d+[\w.+~-]*/.exec(stdout)?.[0];
      resolve({ name, ...(error || version === undefined ? {} : { version }), purpose, install });
    });
  });
}

function packageFacts(name: string, wanted: string): Optional {
  const purpose = purposes[name] ?? "";
  const install = `npm install ${name}@${wanted}`;
  const version = installedVersion(name);
  return { name, ...(version === undefined ? {} : { version }), purpose, install };
}

/** The version of a package; its own package.json may not be among its exports. */
function installedVersion(name: string): string | undefined {
  for (const folder of require.resolve.paths(name) ?? [])
    try {
      return JSON.parse(readFileSync(`${folder}/${name}/package.json`, "utf8")).version;
    } catch {
      // Not in this folder.
    }
  return undefined;
}
