import assert from "node:assert/strict";
import { test } from "node:test";
import { Scope } from "../../nn/index.ts";
import { evaluate } from "../../onnx/index.ts";
import { assertKnown, waves, waveWeights } from "../fixtures/check-vectors.ts";
import { swin } from "./swin.ts";

test("windows, shifts, padding and merging give the reference's maps (check vector V6)", async () => {
  const s = new Scope();
  const body = swin(s, { embedDim: 16, depths: [2, 2], heads: [2, 4], window: 3, dropPathRate: 0.2 });
  assert.equal(s.parameters.length, 61);
  const weights = waveWeights(s.parameters, 50, 0.1);
  const [stage3] = body(waves([1, 3, 20, 28], 1));
  const stage2 = s.records.get("swin.stage2")!;
  assert.deepEqual(
    [stage2.shape, stage3!.shape],
    [
      [1, 16, 5, 7],
      [1, 32, 3, 4],
    ],
  );
  const out = await evaluate({ stage2, stage3: stage3! }, {}, { weights });
  assertKnown(out.stage2, {
    first: [0.67155, 0.54741, 1.07046],
    last: [0.17086, -0.49623, -0.80937],
    sum: -5.5743,
    size: 393.1648,
  });
  assertKnown(out.stage3, {
    first: [0.50053, 0.65137, 1.06913],
    last: [-1.25576, -1.16504, -1.49076],
    sum: -0.0771,
    size: 313.4158,
  });
});
