import assert from "node:assert/strict";
import { test } from "node:test";
import { EarlyStop } from "./early-stop.ts";

test("a run ends at the second evaluation in a row below the best; an equal one does not count", () => {
  const stop = new EarlyStop({ metric: "AP", patience: 2 });
  const aborted = [0.2, 0.1, 0.2, 0.3, 0.2, 0.1].map((AP) => {
    stop.evaluated({ metrics: { AP } });
    return stop.signal.aborted;
  });
  assert.deepEqual(aborted, [false, false, false, false, false, true]);
});

test("a metric of another name is an error that lists the metrics", () => {
  const stop = new EarlyStop({ metric: "Ap", patience: 2 });
  assert.throws(() => stop.evaluated({ metrics: { AP: 0.2, AP50: 0.3 } }), {
    name: "RecipeError",
    message: /no metric is named Ap; watch one of AP, AP50/,
  });
});

test("a resumed run continues counting, and an ended run ends at once", () => {
  const first = new EarlyStop({ metric: "AP", patience: 2 });
  for (const AP of [0.2, 0.1]) first.evaluated({ metrics: { AP } });
  const second = new EarlyStop({ metric: "AP", patience: 2 });
  second.restore(first.save());
  assert.equal(second.signal.aborted, false);
  second.evaluated({ metrics: { AP: 0.1 } });
  assert.equal(second.signal.aborted, true);
  const third = new EarlyStop({ metric: "AP", patience: 2 });
  third.restore(second.save());
  assert.equal(third.signal.aborted, true);
  assert.throws(() => third.restore([1]), { name: "RecipeError" });
});
