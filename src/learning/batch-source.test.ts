import assert from "node:assert/strict";
import { test } from "node:test";
import { type BatchSource, localBatchSource, workerBatchSource } from "./batch-source.ts";
import { createComposer, type Wave } from "./fixtures/waves.ts";

const module = new URL("./fixtures/waves.ts", import.meta.url);

test("batches are the same in the same order from one thread and from several workers", async () => {
  const expected = await take(localBatchSource(createComposer({ length: 3 })), 20);
  for (const workers of [1, 3]) {
    const source = workerBatchSource<Wave>({ module, setup: { length: 3 }, workers });
    try {
      assert.deepEqual(await take(source, 20), expected);
      assert.equal(source.position(), 20);
    } finally {
      await source.close();
    }
  }
});

test("a restored source continues with the next batch, forward and back", async () => {
  const expected = await take(localBatchSource(createComposer({ length: 3 })), 30);
  const source = workerBatchSource<Wave>({ module, setup: { length: 3 }, workers: 2 });
  try {
    source.restore(5);
    assert.deepEqual(await take(source, 4), expected.slice(5, 9));
    source.restore(20);
    assert.deepEqual(await take(source, 2), expected.slice(20, 22));
    source.restore(1);
    assert.deepEqual(await take(source, 9), expected.slice(1, 10));
    assert.throws(() => source.restore("x"), { name: "InputError", message: /"x"/ });
  } finally {
    await source.close();
  }
});

test("a batch that cannot be made fails in order with the composer's own error", async () => {
  const source = workerBatchSource<Wave>({ module, setup: { length: 3, brokenJob: 3 }, workers: 2 });
  try {
    assert.deepEqual(
      (await take(source, 3)).map((wave) => wave.job),
      [0, 1, 2],
    );
    await assert.rejects(source.next(), { name: "InputError", message: /picture-3\.jpg/ });
    assert.equal((await source.next()).job, 4);
  } finally {
    await source.close();
  }
});

test("a composer that cannot be made fails each batch with its own error", async () => {
  const source = workerBatchSource<Wave>({ module, setup: { length: 3, broken: true }, workers: 2 });
  try {
    for (let i = 0; i < 3; i++) await assert.rejects(source.next(), { name: "InputError", message: /instances\.json/ });
  } finally {
    await source.close();
  }
});

test("a worker that dies ends the source instead of hanging it", async () => {
  const source = workerBatchSource<Wave>({ module, setup: { length: 3, deadlyJob: 2 }, workers: 1 });
  try {
    await take(source, 2);
    await assert.rejects(source.next(), /batch worker 0 ended with exit code 3/);
    await assert.rejects(source.next(), /exit code 3/);
  } finally {
    await source.close();
  }
});

async function take(source: BatchSource<Wave>, count: number): Promise<Wave[]> {
  const waves: Wave[] = [];
  while (waves.length < count) waves.push(await source.next());
  return waves;
}
