/**
 * The service under load on loopback: its throughput at 16 clients against a bare loop of `detect` in one process, in turns, and what an
 * overload does. `node --import tsx bench/serve.ts [SECONDS] [TURNS]`, and `overload [SECONDS]`.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import autocannon from "autocannon";
import sharp from "sharp";
import { loadModel } from "../src/index.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
/** Different pictures, more than a model keeps maps of. */
const photos = await Promise.all(
  Array.from({ length: 48 }, (_, i) =>
    sharp(`${root}examples/photos/cat.jpg`)
      .modulate({ brightness: 0.6 + i / 60 })
      .jpeg()
      .toBuffer(),
  ),
);
const CLASSES = ["cat", "cup"];

interface Started {
  readonly child: ChildProcess;
  readonly url: string;
}

function start(...words: string[]): Promise<Started> {
  const program = ["--import", "tsx", `${root}src/apps/cli/main.ts`, "serve", "--port", "0", ...words];
  const child = spawn(process.execPath, program, { cwd: root, stdio: ["ignore", "ignore", "pipe"] });
  return new Promise((resolve) => {
    let text = "";
    child.stderr!.on("data", (bytes) => {
      text += bytes;
      const url = /listening on (\S+);/.exec(text)?.[1];
      if (url) resolve({ child, url });
    });
  });
}

function load(url: string, connections: number, duration: number) {
  const headers = { "content-type": "image/jpeg" };
  const requests = photos.map((body) => ({
    method: "POST" as const,
    path: `/v1/detect?classes=${CLASSES}`,
    body,
    headers,
  }));
  let clients = 0;
  // Each client starts with another picture: the same picture at the same time would be computed once.
  const setupClient = (client: autocannon.Client) => {
    const first = (clients++ * 7) % requests.length;
    client.setRequests([...requests.slice(first), ...requests.slice(0, first)]);
  };
  return autocannon({ url, requests, connections, duration, setupClient });
}

/** Pictures a second, and processor time of each. */
interface Speed {
  readonly rate: number;
  readonly milliseconds: number;
}

/** A loop in this process. */
async function bare(seconds: number): Promise<Speed> {
  await using model = await loadModel();
  await model.detect(new Uint8Array(photos[0]!), CLASSES);
  const before = process.cpuUsage();
  const begin = performance.now();
  let count = 0;
  for (; performance.now() - begin < seconds * 1000; count++)
    await model.detect(new Uint8Array(photos[count % photos.length]!), CLASSES);
  const { user, system } = process.cpuUsage(before);
  return { rate: (count * 1000) / (performance.now() - begin), milliseconds: (user + system) / 1000 / count };
}

/** Milliseconds of processor time that a process has used; Linux counts in hundredths of a second. */
function processorTime({ pid }: ChildProcess): number {
  const [, ...fields] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ");
  return (Number(fields[10]) + Number(fields[11])) * 10;
}

/** Megabytes of a process. */
function memory({ pid }: ChildProcess): number {
  const line = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Math.round(Number(line![1]) / 1024);
}

async function throughput(seconds: number, turns: number): Promise<void> {
  const { child, url } = await start("--model", "everyday");
  for (let turn = 0; turn < turns; turn++) {
    await load(url, 1, 2);
    const before = processorTime(child);
    const { requests, latency } = await load(url, 16, seconds);
    const each = (processorTime(child) - before) / requests.total;
    child.kill("SIGSTOP");
    const alone = await bare(seconds);
    child.kill("SIGCONT");
    const rate = requests.total / seconds;
    const { p50, p99 } = latency;
    console.log(
      `service ${rate.toFixed(1)}/s, loop ${alone.rate.toFixed(1)}/s, ratio ${(rate / alone.rate).toFixed(2)}; ` +
        `processor time ${each.toFixed(1)} ms and ${alone.milliseconds.toFixed(1)} ms, ratio ${(alone.milliseconds / each).toFixed(2)}; ` +
        `p50 ${p50} ms, p99 ${p99} ms, p99/p50 ${(p99 / p50).toFixed(2)}`,
    );
  }
  child.kill("SIGTERM");
}

/** A hundred times as many clients as the service takes requests. */
async function overload(seconds: number): Promise<void> {
  const { child, url } = await start("--model", "everyday", "--queue", "4");
  await load(url, 4, 3);
  const megabytes = [memory(child)];
  const timer = setInterval(() => megabytes.push(memory(child)), (seconds * 1000) / 10);
  const run = load(url, 400, seconds);
  const { statusCodeStats, latency, errors } = await run;
  clearInterval(timer);
  const codes = Object.entries(statusCodeStats ?? {}).map(([code, { count }]) => `${code}: ${count}`);
  console.log(
    `${codes.join(", ")}, errors: ${errors}; p50 ${latency.p50} ms, p99 ${latency.p99} ms; MB ${megabytes.join(" ")}`,
  );
  child.kill("SIGTERM");
}

const [first = "10", second = "3"] = process.argv.slice(2);
if (first === "overload") await overload(Number(second === "3" ? 20 : second));
else await throughput(Number(first), Number(second));
