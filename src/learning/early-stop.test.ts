import assert from "node:assert/strict";
import { test } from "node:test";
import { EarlyStop } from "./early-stop.ts";

test("a run ends at the second evaluation in a row below the best, and one as good as the best is no fall", () => {
  const stop = new EarlyStop({ metric: "AP", patience: 2 });
  const aborted = [0.2, 0.1, 0.2, 0.3, 0.2, 0.1].map((AP) => {
    stop.evaluated({ metrics: { AP } });
    return stop.signal.aborted;
  });
  assert.deepEqual(aborted, [false, false, false, false, false, true]);
});
