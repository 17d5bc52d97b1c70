import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { queueCounts, workFromRedis } from "../../src/jobs/redis.ts";
import { temporaryFolder } from "../cli/running.ts";
import { freePort, type Process, startRedis } from "./processes.ts";

const root = temporaryFolder();
let redis: Process;
let port: number;
let url: string;
before(async () => {
  port = await freePort();
  url = `redis://127.0.0.1:${port}`;
  redis = await startRedis(join(root, "redis"), port);
});
after(async () => {
  redis.child.kill("SIGKILL");
  await redis.ended;
  rmSync(root, { recursive: true });
});

/** Work with this many shards that records who ran them; `run` may fail. */
function workOf(count: number, run: (key: string, tries: number) => Promise<void> = async () => {}) {
  const tried: string[] = [];
  const done = new Set<string>();
  return {
    tried,
    done,
    shards: Array.from({ length: count }, (_, i) => ({ key: `tars:1/${i}` })),
    isDone: async ({ key }: { key: string }) => done.has(key),
    run: async ({ key }: { key: string }) => {
      tried.push(key);
      await run(key, tried.filter((one) => one === key).length);
      done.add(key);
    },
  };
}

const options = (queue: string) => ({ url, queue, attempts: 3, retryDelay: 20, lock: 10_000 });

test("a failing shard is tried again, then given up with its reason; the next run tries it again", async () => {
  let isMended = false;
  const work = workOf(4, async (key, tries) => {
    if (key.endsWith("1") && tries === 1) throw new Error("broke once");
    if (key.endsWith("2") && !isMended) throw new Error("the disk is full");
  });
  const dead = await workFromRedis(work, options("breaks"));
  assert.deepEqual(dead, [{ key: "tars:1/2", reason: "the disk is full", attempts: 3 }]);
  assert.equal(work.done.size, 3);
  assert.deepEqual(
    work.tried.toSorted(),
    [0, 1, 1, 2, 2, 2, 3].map((i) => `tars:1/${i}`),
  );
  const left = { waiting: 0, active: 0, delayed: 0, failed: 1, workers: 0 };
  assert.deepEqual(await queueCounts({ url, queue: "breaks" }), left);
  isMended = true;
  assert.deepEqual(await workFromRedis(work, options("breaks")), []);
  assert.equal(work.tried.length, 8);
  assert.deepEqual(await queueCounts({ url, queue: "breaks" }), { ...left, failed: 0 });
});

test("shards added by two processes at once are done once", async () => {
  const work = workOf(30, () => pause(5));
  const other = { ...work };
  const both = await Promise.all([work, other].map((one) => workFromRedis(one, options("twice"))));
  assert.deepEqual(both, [[], []]);
  assert.deepEqual(work.tried.toSorted(), work.shards.map(({ key }) => key).sort());
});

test("shards that Redis loses are added again", async () => {
  const work = workOf(10, async () => {
    if (work.tried.length === 4) assert.equal(spawnSync("redis-cli", ["-p", String(port), "flushall"]).status, 0);
  });
  assert.deepEqual(await workFromRedis(work, options("forgets")), []);
  assert.equal(work.done.size, 10);
});

test("an interrupted process finishes its shard, and the rest waits for others", async () => {
  const stop = new AbortController();
  const work = workOf(5, async () => {
    stop.abort();
    await pause(1000);
  });
  assert.deepEqual(await workFromRedis(work, { ...options("leaves"), signal: stop.signal }), []);
  assert.ok(work.done.size >= 1 && work.done.size < 5, `${work.done.size}`);
  assert.deepEqual(await workFromRedis(workOf(5), options("leaves")), []);
});

test("a Redis that cannot be reached is named, without its password", async () => {
  const absent = `redis://:secret@127.0.0.1:${await freePort()}`;
  await assert.rejects(workFromRedis(workOf(1), { ...options("absent"), url: absent }), (error: Error) => {
    assert.match(
      error.message,
      /^127\.0\.0\.1:\d+: Redis does not answer \(connect ECONNREFUSED .*\); start it, or give another address/,
    );
    assert.ok(!error.message.includes("secret"));
    return true;
  });
  await assert.rejects(queueCounts({ url: "localhost", queue: "x" }), /localhost is not a Redis address; write redis:/);
});
