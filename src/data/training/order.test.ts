import assert from "node:assert/strict";
import { test } from "node:test";
import { Order, type OrderedSource, type Turn } from "./order.ts";

const shapes = (length: number, isUpright: (i: number) => boolean) => Array.from({ length }, (_, i) => isUpright(i));
const sources: OrderedSource[] = [
  { weight: 1, upright: shapes(30, (i) => i % 3 === 0) },
  { weight: 3, upright: shapes(11, (i) => i > 6) },
];
const turnsOf = (order: Order, start: number, end: number): Turn[] =>
  Array.from({ length: end - start }, (_, i) => order.batch(start + i)).flat();

test("a batch depends only on its number and the seed", () => {
  const forward = new Order(sources, 4, 1);
  const all = Array.from({ length: 35 }, (_, job) => forward.batch(job));
  for (const job of [34, 0, 12, 11, 25]) assert.deepEqual(new Order(sources, 4, 1).batch(job), all[job]);
  assert.notDeepEqual(new Order(sources, 4, 2).batch(0), all[0]);
  assert.notDeepEqual(all[0], all[forward.batchesPerEpoch], "another epoch has another order");
});

test("sources are drawn by weight, and every example of a source once before any repeats", () => {
  const order = new Order(sources, 4, 1);
  assert.equal(order.batchesPerEpoch, 10);
  const epochs = Array.from({ length: 11 }, (_, e) => turnsOf(order, 10 * e, 10 * (e + 1)));
  for (const epoch of epochs) assert.equal(epoch.filter(({ source }) => source === 1).length, 30);
  for (const [source, { upright }] of sources.entries()) {
    const counts = upright.map(() => 0);
    for (const turn of epochs.flat()) if (turn.source === source) counts[turn.example]! += 1;
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, String(counts));
  }
});

test("wide and upright pictures share at most one batch of an epoch", () => {
  const order = new Order(sources, 4, 1);
  for (const epoch of [0, 1, 2]) {
    const mixed = Array.from({ length: 10 }, (_, b) => order.batch(10 * epoch + b)).filter(
      (batch) => new Set(batch.map(({ source, example }) => sources[source]!.upright[example])).size > 1,
    );
    assert.ok(mixed.length <= 1);
  }
});

test("a source with fewer examples than a batch repeats them", () => {
  const order = new Order([{ weight: 2, upright: [true, false] }], 5, 1);
  const turns = turnsOf(order, 0, 2);
  assert.equal(turns.length, 10);
  assert.equal(turns.filter(({ example }) => example === 0).length, 5);
});
