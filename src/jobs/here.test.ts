import assert from "node:assert/strict";
import { test } from "node:test";
import { workHere } from "./here.ts";

/** Work whose shards fail a given number of times; it records the order of the tries. */
function workThatFails(failures: Record<string, number>) {
  const tried: string[] = [];
  const done = new Set<string>();
  return {
    tried,
    done,
    shards: Object.keys(failures).map((key) => ({ key })),
    isDone: async ({ key }: { key: string }) => done.has(key),
    run: async ({ key }: { key: string }) => {
      tried.push(key);
      if (tried.filter((one) => one === key).length <= failures[key]!) throw new Error(`${key} broke`);
      done.add(key);
    },
  };
}

test("a shard that fails is tried again, then given up with its reason, and the others are finished", async () => {
  const work = workThatFails({ a: 0, b: 1, c: 9, d: 0 });
  const told: number[] = [];
  const dead = await workHere(work, { attempts: 3, retryDelay: 1, onDone: (done) => told.push(done) });
  assert.deepEqual(dead, [{ key: "c", reason: "c broke", attempts: 3 }]);
  assert.deepEqual(work.tried, ["a", "b", "b", "c", "c", "c", "d"]);
  assert.deepEqual(told, [0, 1, 2, 3]);
});

test("finished shards are not repeated, and no shard starts after an abort", async () => {
  const work = workThatFails({ a: 0, b: 0, c: 0 });
  work.done.add("a");
  const stop = new AbortController();
  const onDone = (done: number) => done === 2 && stop.abort();
  assert.deepEqual(await workHere(work, { attempts: 1, retryDelay: 0, onDone, signal: stop.signal }), []);
  assert.deepEqual(work.tried, ["b"]);
});
