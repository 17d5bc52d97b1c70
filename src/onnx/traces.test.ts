import assert from "node:assert/strict";
import { test } from "node:test";
import { add, input } from "../tensor/index.ts";
import { lower } from "./lower.ts";
import { KEPT_TRACES, Traces } from "./traces.ts";

const sum = (length: number) => lower({ y: add(input("x", [length]), 1) }, { sizes: "fed" });

test("a cached trace is made once, and traces of the same structure share their bytes", () => {
  const traces = new Traces();
  const first = traces.of("4", () => sum(4));
  const other = traces.of("5", () => sum(5));
  assert.equal(other.bytes, first.bytes);
  assert.deepEqual(other.inputs[0]!.shape, [5]);
  for (let length = 6; length < 4 + KEPT_TRACES; length++) {
    traces.of(String(length), () => sum(length));
    assert.equal(
      traces.of("4", () => assert.fail("made again")),
      first,
    );
  }
  traces.of("more", () => sum(3));
  let made = 0;
  traces.of("5", () => {
    made++;
    return sum(5);
  });
  assert.equal(made, 1);
});
