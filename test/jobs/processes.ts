/** Real processes for tests of shared work: a Redis, workers, and a folder of small pairs. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { stripes } from "../../src/data/pairs/fixtures/pictures.ts";
import { repository, writeTinyModel } from "../cli/running.ts";

/** Arguments that run a command on another host. */
export type Host = readonly string[];

export interface Process {
  child: ChildProcess;
  /** Its output and errors so far. */
  said: () => string;
  /** Its exit code, or the signal that ended it. */
  ended: Promise<number | string>;
}

function start(host: Host, program: string, words: readonly string[]): Process {
  const [command = program, ...before] = [...host, program];
  const child = spawn(command, [...(host.length > 0 ? before : []), ...words], {
    cwd: repository,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (bytes) => (text += String(bytes)));
  return { child, said: () => text, ended: once(child, "close").then(([code, signal]) => code ?? signal) };
}

/**
 * Waits until a condition is true.
 * @throws if one of the processes ends before, or after five minutes, with their output.
 */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  ...processes: Process[]
): Promise<void> {
  const said = () => processes.map((process) => process.said()).join("\n");
  for (let tries = 0; tries < 6000; tries++) {
    if (await isSo()) return;
    const ended = processes.find(({ child }) => child.exitCode !== null);
    if (ended) throw new Error(`${what}: not before a process ended with ${ended.child.exitCode}\n${said()}`);
    await pause(50);
  }
  throw new Error(`${what}: not within five minutes\n${said()}`);
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

/** A Redis with its data in a folder, so that another one can continue there. */
export async function startRedis(
  folder: string,
  port: number,
  { host = [] as Host, isReady = answers } = {},
): Promise<Process> {
  if (spawnSync("redis-server", ["--version"]).status !== 0)
    throw new Error("this test needs redis-server (Debian: apt-get install redis-server)");
  mkdirSync(folder, { recursive: true });
  const words = [
    "--port",
    String(port),
    "--dir",
    folder,
    "--appendonly",
    "yes",
    "--save",
    "",
    "--protected-mode",
    "no",
  ];
  const redis = start(host, "redis-server", words);
  await until("Redis answers", () => isReady(port), redis);
  return redis;
}

function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.on("data", (bytes) => {
      socket.destroy();
      done(String(bytes).startsWith("+PONG"));
    });
    socket.on("error", () => done(false));
  });
}

export interface Labelling {
  source: string;
  model: string;
}

/** A list of pairs, one per shard, over a few small pictures, and a small model. */
export async function writePairs(folder: string, count: number): Promise<Labelling> {
  const model = join(folder, "model");
  await writeTinyModel(model);
  mkdirSync(join(folder, "source"));
  for (let i = 0; i < 8; i++) writeFileSync(join(folder, "source", `${i}.png`), await stripes(i));
  const rows = Array.from({ length: count }, (_, i) => ({
    image: `${i % 8}.png`,
    caption: `a dog and ${i} red balls`,
  }));
  const source = join(folder, "source", "pairs.jsonl");
  writeFileSync(source, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return { source, model };
}

/** The arguments of the program before its command. */
export const program: readonly string[] = [
  process.execPath,
  "--import",
  "tsx",
  join(repository, "src/apps/cli/main.ts"),
];

/** The arguments after the program's: `pseudo-label` over the pairs, with one pair per shard. */
export function wordsOf({ source, model }: Labelling, out: string, more: readonly string[] = []): string[] {
  const own = ["--model", model, "--out", out, "--rows", "1", "--size", "32", "--threads", "1", "--threshold", "0.05"];
  return ["pseudo-label", source, ...own, ...more];
}

export function label(labelling: Labelling, out: string, more: readonly string[] = [], host: Host = []): Process {
  const [node, ...loader] = program;
  return start(host, node!, [...loader, ...wordsOf(labelling, out, more)]);
}

/** The number of shards with a result. */
export function shardsDone(out: string): number {
  const folder = join(out, "shards");
  return existsSync(folder) ? readdirSync(folder).filter((name) => /-\d+\.json$/.test(name)).length : 0;
}

/** Every file of a result, with its bytes. */
export function bytesOf(out: string): Record<string, string> {
  const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath ?? entry.path, entry.name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(out.length), readFileSync(path, "base64")]));
}

/** Stops a worker (SIGSTOP) while it works on a shard. */
export async function stopMidShard(worker: Process, out: string): Promise<void> {
  const pid = worker.child.pid!;
  const writes = () => {
    const drafts = join(out, "drafts");
    return existsSync(drafts) && readdirSync(drafts).some((name) => name.startsWith(`${pid}-`));
  };
  await until(
    "a worker is in a shard",
    async () => {
      if (!writes()) return false;
      worker.child.kill("SIGSTOP");
      await pause(50);
      if (writes()) return true;
      worker.child.kill("SIGCONT");
      return false;
    },
    worker,
  );
}
