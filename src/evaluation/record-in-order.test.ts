import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { recordInOrder } from "./record-in-order.ts";

const folder = mkdtempSync(join(tmpdir(), "groundling-record-"));
after(() => rmSync(folder, { recursive: true }));
const run = { model: "m" };
const answer = async (item: number) => ({ item, half: item / 2 });

test("results are in order for any number of workers", async () => {
  const slowOdd = async (item: number) => {
    for (let turn = 0; turn < (item % 2) * 5; turn++) await Promise.resolve();
    return answer(item);
  };
  const [one, many] = [join(folder, "one"), join(folder, "many")];
  await recordInOrder({ file: one, run, items: 9, workers: [answer] });
  await recordInOrder({ file: many, run, items: 9, workers: [slowOdd, slowOdd, slowOdd] });
  assert.equal(readFileSync(many, "utf8"), readFileSync(one, "utf8"));
  assert.equal(readFileSync(one, "utf8").split("\n")[9], '{"item":8,"half":4}');
});

test("an interrupted run continues after its last complete line and ends with the same bytes", async () => {
  const [whole, broken] = [join(folder, "whole"), join(folder, "broken")];
  await recordInOrder({ file: whole, run, items: 6, workers: [answer] });
  const failing = async (item: number) => {
    if (item === 3) throw new Error("the plug was pulled");
    return answer(item);
  };
  await assert.rejects(recordInOrder({ file: broken, run, items: 6, workers: [failing] }), /plug/);
  writeFileSync(broken, `${readFileSync(broken, "utf8")}{"item":3,"ha`);
  const asked: number[] = [];
  const counting = (item: number) => {
    asked.push(item);
    return answer(item);
  };
  await recordInOrder({ file: broken, run, items: 6, workers: [counting] });
  assert.deepEqual(asked, [3, 4, 5]);
  assert.equal(readFileSync(broken, "utf8"), readFileSync(whole, "utf8"));
});

test("a file with results of another run is refused; without results it is replaced", async () => {
  const file = join(folder, "other");
  await recordInOrder({ file, run: { model: "a" }, items: 2, workers: [answer] });
  const before = readFileSync(file, "utf8");
  await assert.rejects(recordInOrder({ file, run, items: 1, workers: [answer] }), {
    name: "InputError",
    message: /has 2 results of another run .*; delete it, or give another file with --detections/,
  });
  assert.equal(readFileSync(file, "utf8"), before);
  writeFileSync(file, '{"model":"a"}\n');
  await recordInOrder({ file, run, items: 1, workers: [answer] });
  assert.equal(readFileSync(file, "utf8"), '{"model":"m"}\n{"item":0,"half":0}\n');
});

test("a stopped run keeps its results, reports their number, and can be continued", async () => {
  const [file, whole] = [join(folder, "stopped"), join(folder, "never stopped")];
  const controller = new AbortController();
  const stopping = async (item: number) => {
    if (item === 2) controller.abort();
    return answer(item);
  };
  const { signal } = controller;
  await assert.rejects(recordInOrder({ file, run, items: 5, workers: [stopping], signal }), {
    name: "Interrupted",
    message: /after 3 of 5 pictures, saved in .*stopped; run the same command again/,
  });
  await recordInOrder({ file, run, items: 5, workers: [answer] });
  await recordInOrder({ file: whole, run, items: 5, workers: [answer] });
  assert.equal(readFileSync(file, "utf8"), readFileSync(whole, "utf8"));
});
