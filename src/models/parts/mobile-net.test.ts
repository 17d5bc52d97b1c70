import assert from "node:assert/strict";
import { test } from "node:test";
import { Scope } from "../../nn/index.ts";
import { evaluate } from "../../onnx/index.ts";
import { wave, waves } from "../fixtures/check-vectors.ts";
import { MOBILE_NET_CHANNELS, mobileNet } from "./mobile-net.ts";

test("a MobileNetV2 with sine weights has PyTorch's maps (scripts/fixtures/mobile-net.py)", async () => {
  const s = new Scope();
  const maps = mobileNet(s)(waves([1, 3, 64, 96], 1));
  assert.deepEqual(
    maps.map(({ shape }) => shape),
    [8, 16, 32].map((stride, i) => [1, MOBILE_NET_CHANNELS[i], 64 / stride, 96 / stride]),
  );
  const weights = new Map(
    s.parameters.map(({ name, shape }, k) => {
      const count = shape.reduce((product, size) => product * size, 1);
      const height = name.endsWith("weight") ? Math.sqrt((6 * shape[0]!) / count) : 0.1;
      return [name, wave(count, k, height)];
    }),
  );
  const found = await evaluate(Object.fromEntries(maps.map((map, i) => [`map${i}`, map])), {}, { weights });
  const expected = [
    { first: [1.2414414388403978, 1.2438809576401177], last: 2.0390874909837353, sum: 12405.842578925744 },
    { first: [1.660777827479247, 1.4910028109875908], last: 1.9395620041692458, sum: 11535.84055807765 },
    { first: [1.0701528986241393, 0.996947514977164], last: 0, sum: 5762.34980883428 },
  ];
  expected.forEach(({ first, last, sum }, i) => {
    const map = found[`map${i}`]!;
    const ends = [map[0]!, map[1]!, map.at(-1)!];
    [...first, last].forEach((value, k) => {
      assert.ok(Math.abs(ends[k]! - value) < 2e-5, `map ${i}: ${ends[k]}, expected ${value}`);
    });
    const total = map.reduce((t, value) => t + value, 0);
    assert.ok(Math.abs(total / sum - 1) < 1e-5, `map ${i}: sum ${total}, expected ${sum}`);
  });
});
