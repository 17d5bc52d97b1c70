import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { InputError, RecipeError, ShapeError, WeightsError } from "../errors.ts";
import type { Request, Setup } from "./fixtures/answering.ts";
import { openWorker } from "./open-worker.ts";

const module = new URL("./fixtures/answering.ts", import.meta.url);

type Failure = Extract<Request, { kind: "fail" }>["with"];

/** A worker, and what it counts: requests begun, requests finished, disposals. */
function opened(setup: Omit<Setup, "counts"> = {}) {
  const counts = new Int32Array(new SharedArrayBuffer(12));
  const worker = openWorker<typeof import("./fixtures/answering.ts")>("test worker", module, { counts, ...setup });
  return { worker, counts };
}

test("requests are answered in order, and memory is moved both ways", async () => {
  const { worker } = opened();
  const numbers = Float32Array.of(1, 2, 3);
  const doubling = worker.ask({ kind: "double", numbers }, [numbers.buffer]);
  assert.equal(numbers.length, 0);
  const asked = [doubling, worker.ask({ kind: "length" }), worker.ask({ kind: "pause", milliseconds: 5 })];
  const order: number[] = [];
  asked.forEach((answer, i) => void answer.then(() => order.push(i)));
  assert.deepEqual(await Promise.all(asked), [Float32Array.of(2, 4, 6), 0, "rested"]);
  assert.deepEqual(order, [0, 1, 2]);
  await worker.close();
});

test("without a list, the request's memory stays with the caller", async () => {
  const { worker } = opened();
  const numbers = Float32Array.of(1, 2, 3);
  assert.deepEqual(await worker.ask({ kind: "double", numbers }), Float32Array.of(2, 4, 6));
  assert.deepEqual(numbers, Float32Array.of(1, 2, 3));
  await worker.close();
});

test("errors have their class, fields, cause and stack again, and the worker goes on", async () => {
  const { worker } = opened();
  const failing = (kind: Failure): Promise<Error> =>
    worker.ask({ kind: "fail", with: kind }).then(
      () => assert.fail("answered"),
      (error) => error,
    );
  const input = await failing("input");
  assert.ok(input instanceof InputError && input.cause instanceof TypeError);
  assert.deepEqual([input.name, input.message], ["InputError", "cat.jpg: not a picture"]);
  assert.equal(input.cause.message, "a header of 3 bytes");
  assert.match(input.stack!, /answering\.ts/);
  assert.ok((await failing("weights")) instanceof WeightsError);
  assert.ok((await failing("recipe")) instanceof RecipeError);
  const shape = await failing("shape");
  assert.ok(shape instanceof ShapeError);
  assert.deepEqual(shape.shapes, [[2, 3], [4]]);
  assert.equal(shape.scope, "head.class");
  assert.ok((await failing("range")) instanceof RangeError);
  const { name, step } = (await failing("other")) as Error & { step: number };
  assert.deepEqual([name, step], ["Interrupted", 3]);
  assert.deepEqual({ ...(await failing("system")) }, { code: "ENOSPC" });
  assert.equal((await failing("words")).message, "no error at all");
  assert.match((await failing("unsendable")).message, /could not be cloned/);
  assert.equal(await worker.ask({ kind: "pause", milliseconds: 0 }), "rested");
  await worker.close();
});

test("a request that cannot be sent is rejected, and the worker goes on", async () => {
  const { worker } = opened();
  const request = { kind: "pause", milliseconds: 0, extra: () => {} } as const;
  await assert.rejects(worker.ask(request), { name: "DataCloneError" });
  assert.equal(await worker.ask({ kind: "pause", milliseconds: 0 }), "rested");
  await worker.close();
});

test("a module that cannot be opened fails each request with its own error", async () => {
  const { worker, counts } = opened({ broken: true });
  for (let i = 0; i < 2; i++)
    await assert.rejects(worker.ask({ kind: "length" }), (error) => error instanceof WeightsError);
  await worker.close();
  assert.deepEqual([...counts], [0, 0, 0]);
});

for (const [kind, message] of [
  ["exit", "test worker ended with exit code 3"],
  ["uncaught", "test worker ended with exit code 1: lost the thread"],
] as const)
  test(`a thread that ends by ${kind} fails all requests with one error`, async () => {
    const { worker } = opened();
    assert.equal(worker.isOpen, true);
    const requests = [{ kind: "length" }, { kind }, { kind: "length" }] as const;
    const [before, during, behind] = await Promise.allSettled(requests.map((request) => worker.ask(request)));
    assert.equal(before!.status, "fulfilled");
    for (const one of [during!, behind!]) assert.equal(one.status === "rejected" && one.reason.message, message);
    assert.equal(worker.isOpen, false);
    await assert.rejects(worker.ask({ kind: "length" }), { message });
    await worker.close();
  });

test("a worker that is closed while busy finishes its request, begins no other, disposes and ends", async () => {
  const { worker, counts } = opened();
  await worker.ask({ kind: "length" });
  const busy = [worker.ask({ kind: "pause", milliseconds: 100 }), worker.ask({ kind: "length" })];
  while (Atomics.load(counts, 0) < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  const closed = worker.close();
  for (const one of busy) await assert.rejects(one, { message: "test worker was closed" });
  await assert.rejects(worker.ask({ kind: "length" }), { message: "test worker was closed" });
  await closed;
  assert.deepEqual([...counts], [2, 2, 1]);
  await worker.close();
});

test("a worker ends although its module left something running", async () => {
  const { worker } = opened({ timer: true });
  assert.equal(await worker.ask({ kind: "pause", milliseconds: 0 }), "rested");
  await worker.close();
});

test("a worker without requests does not keep the process running", async () => {
  const text = `import { openWorker } from ${JSON.stringify(new URL("./open-worker.ts", import.meta.url).href)};
    const counts = new Int32Array(new SharedArrayBuffer(12));
    const worker = openWorker("test worker", new URL(${JSON.stringify(module.href)}), { counts });
    console.log(await worker.ask({ kind: "pause", milliseconds: 50 }));`;
  const words = ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e", text];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", 2] });
  const said = child.stdout!.toArray();
  const [code] = await once(child, "close");
  assert.deepEqual([code, String((await said)[0])], [0, "rested\n"]);
});
