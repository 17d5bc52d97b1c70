import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fromFloat32, toFloat32 } from "./float-conversion.ts";
import { readSafetensors } from "./safetensors.ts";

const oracle = await readSafetensors(join(import.meta.dirname, "fixtures/conversions.safetensors"));
const numbers = (name: string) => oracle.get(name)!;

for (const name of ["f16", "bf16", "f64", "i64", "i32"]) {
  test(`${name} becomes float32 as with PyTorch's float()`, () => {
    const { dtype, data } = numbers(name);
    const made = toFloat32(dtype, data);
    const due = numbers(`${name}.float`).data as Float32Array;
    assert.equal(made.length, due.length);
    assert.ok(made.every((value, i) => Object.is(value, due[i]))); // zeros with their sign; any NaN is a NaN
  });
}

test("float32 stays the same array", () => {
  const { data } = numbers("f32");
  assert.equal(toFloat32("F32", data), data);
  assert.equal(fromFloat32("F32", data as Float32Array), data);
});

for (const [dtype, name] of [
  ["F16", "f32.half"],
  ["BF16", "f32.bfloat16"],
] as const) {
  test(`float32 becomes ${dtype} with the bits of PyTorch`, () => {
    const floats = numbers("f32").data as Float32Array;
    const due = numbers(name).data;
    fromFloat32(dtype, floats).forEach((bits: number | bigint, i: number) => {
      if (!Number.isNaN(floats[i])) assert.equal(bits, due[i], `element ${i}: ${floats[i]}`);
    });
    const back = toFloat32(dtype, fromFloat32(dtype, Float32Array.of(Number.NaN)));
    assert.ok(Number.isNaN(back[0]));
  });
}
