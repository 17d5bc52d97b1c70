// Changes files at random and has them read: node --import tsx scripts/fuzz.ts [--mutations 10000] [--seed 1] [--first 0] [SUBJECT …]
// Prints what crashed, hung or reached outside; `--first N --mutations 1` makes mutation N of a seed again.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, type Worker, workerData } from "node:worker_threads";
import { moduleBeside } from "../src/files/module-beside.ts";
import { startWorker } from "../src/files/start-worker.ts";
import { type Finding, fuzz } from "../test/fuzz/run.ts";
import { subjects } from "../test/fuzz/subjects.ts";

interface Work {
  name: string;
  seed: number;
  first: number;
  count: number;
  root: string;
}

/**
 * Milliseconds without a message after which a worker counts as hanging; longer than the limit on computing time, because the machine may
 * be busy.
 */
const SILENCE = 30_000;

if (isMainThread) await main();
else await work(workerData as Work);

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      mutations: { type: "string", default: "10000" },
      seed: { type: "string", default: "1" },
      first: { type: "string", default: "0" },
    },
  });
  const root = mkdtempSync(join(tmpdir(), "fuzz-"));
  const all = Object.keys(await subjects(mkdtempSync(join(root, "scratch-"))));
  let found = 0;
  for (const name of positionals.length > 0 ? positionals : all) {
    const begun = performance.now();
    const findings: Finding[] = [];
    const end = Number(values.first) + Number(values.mutations);
    let first = Number(values.first);
    while (first < end)
      first = await stretch({ name, seed: Number(values.seed), first, count: end - first, root }, findings);
    for (const { mutation, problem } of findings) console.log(`${name} ${mutation}: ${problem}`);
    console.log(
      `${name}: ${findings.length} findings in ${values.mutations} mutations, ${((performance.now() - begun) / 1000).toFixed(0)} s`,
    );
    found += findings.length;
  }
  rmSync(root, { recursive: true });
  process.exitCode = found > 0 ? 1 : 0;
}

/** Runs mutations until all are done or one hangs or crashes. Returns the number of the first mutation that is left. */
function stretch(work: Work, findings: Finding[]): Promise<number> {
  return new Promise((done) => {
    const worker: Worker = startWorker(moduleBeside("./fuzz", import.meta.url), work);
    let current = work.first;
    let timer: NodeJS.Timeout | undefined;
    const lost = (problem: string) => {
      clearTimeout(timer);
      findings.push({ subject: work.name, mutation: current, problem });
      void worker.terminate().then(() => done(current + 1));
    };
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => lost(`no answer in ${SILENCE / 1000} s`), SILENCE);
    };
    wait();
    worker.on("error", (error) => lost(`the worker ended: ${error}`));
    worker.on("message", (message: number | Finding | "done") => {
      if (typeof message === "number") {
        current = message;
        wait();
        return;
      }
      if (message !== "done") {
        findings.push(message);
        return;
      }
      clearTimeout(timer);
      void worker.terminate().then(() => done(work.first + work.count));
    });
  });
}

async function work({ name, seed, first, count, root }: Work): Promise<void> {
  const subject = (await subjects(mkdtempSync(join(root, "scratch-"))))[name];
  if (!subject) throw new Error(`${name}: no such subject`);
  const begun = (mutation: number) => parentPort!.postMessage(mutation);
  // The innermost calls of the stack.
  const found = (one: Finding) =>
    parentPort!.postMessage({ ...one, problem: one.problem.split("\n").slice(0, 4).join(" | ") });
  for (let at = first; at < first + count; at += 100) {
    const stretch = { seed, first: at, count: Math.min(100, first + count - at) };
    await fuzz(name, subject, { ...stretch, folder: mkdtempSync(join(root, "case-")), begun, found });
  }
  parentPort!.postMessage("done");
}
