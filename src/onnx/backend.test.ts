import assert from "node:assert/strict";
import { test } from "node:test";
import { cases, recorded } from "../grad/fixtures/operation-cases.ts";
import { add, input, type Numbers, type Tensor } from "../tensor/index.ts";
import { type Device, Session } from "./index.ts";

for (const device of ["cuda", "webgpu", "coreml", "dml"] satisfies Device[])
  test(`${device} runs, or is refused with what to do if it is missing`, async () => {
    const compiled = Session.compile({ y: add(input("x", [2]), 1) }, { device });
    const outcome = await compiled.then(
      async (session) => {
        const { y } = await session.run({ x: Float32Array.of(1, 2) });
        await session.dispose();
        return [...(y as Float32Array)];
      },
      (error: Error) => error,
    );
    if (!(outcome instanceof Error)) return assert.deepEqual(outcome, [2, 3]);
    assert.equal(outcome.name, "InputError");
    assert.match(outcome.message, new RegExp(`^device ${device} is not available here \\(.*\\); leave out the device`));
  });

test("the web's runtime gives PyTorch's values too", async () => {
  const outputs: Record<string, Tensor> = {};
  const feeds: Record<string, Numbers> = {};
  for (const [name, make] of Object.entries(cases)) {
    const inputs = recorded[name]!.inputs.map(({ shape, type }, i) => input(`${name} ${i}`, shape, type));
    recorded[name]!.inputs.forEach(({ type, numbers }, i) => {
      feeds[`${name} ${i}`] =
        type === "int64"
          ? BigInt64Array.from(numbers.map(BigInt))
          : type === "bool"
            ? Uint8Array.from(numbers)
            : Float32Array.from(numbers);
    });
    outputs[name] = make(...inputs);
  }
  const session = await Session.compile(outputs, { device: "wasm", threads: 1 });
  const found = await session.run(feeds);
  for (const name of Object.keys(outputs)) {
    const { numbers } = recorded[name]!.value;
    const most = Math.max(1, ...numbers.map(Math.abs));
    numbers.forEach((value, i) => {
      assert.ok(Math.abs(Number(found[name]![i]) - value) < 1e-5 * most, `${name}: ${found[name]![i]} is not ${value}`);
    });
  }
  await session.dispose();
});
