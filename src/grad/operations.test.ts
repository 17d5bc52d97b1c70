/** Every operation against PyTorch's numbers, and every gradient against PyTorch's and against central differences. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Session } from "../onnx/index.ts";
import {
  constant,
  input,
  inScope,
  multiply,
  type Numbers,
  type Operation,
  type Tensor,
  total,
} from "../tensor/index.ts";
import { cases, type OperationCase, type Recorded, recorded } from "./fixtures/operation-cases.ts";
import { gradients } from "./index.ts";
import { rules } from "./rules.ts";

/** Tested in other files, because they have no value of their own or a random one. */
const elsewhere: readonly Operation[] = ["input", "parameter", "constant", "dropMask", "dropout", "stopGradient"];

interface Traced {
  name: string;
  case: OperationCase;
  value: Tensor;
  /** By input; absent if it is not needed. */
  gradients: (Tensor | undefined)[];
}

const traced: Traced[] = Object.entries(cases).map(([name, make]) => {
  const found = recorded[name];
  assert.ok(found, `operations.json holds no case "${name}"`);
  const inputs = found.inputs.map(({ shape, type }, i) => input(`${name} ${i}`, shape, type));
  const value = inScope(name, () => make(...inputs));
  const wanted = inputs.filter((_, i) => found.gradients?.[i]);
  const loss = found.seed && total(multiply(value, constant(found.seed.numbers, found.seed.shape)));
  const answers = loss ? gradients(loss, wanted) : [];
  return { name, case: found, value, gradients: inputs.map((x) => answers[wanted.indexOf(x)]) };
});

const feeds: Record<string, Numbers> = {};
for (const { name, case: found } of traced)
  for (const [i, x] of found.inputs.entries()) feeds[`${name} ${i}`] = numbersOf(x);
let values: Session;
let results: Record<string, Numbers>;
let slopes: Record<string, Numbers>;

before(async () => {
  values = await Session.compile(Object.fromEntries(traced.map(({ name, value }) => [`${name} value`, value])));
  results = await values.run(feeds);
  const all = traced.flatMap(({ name, gradients }) =>
    gradients.flatMap((gradient, i) => (gradient ? [[`${name} gradient ${i}`, gradient] as const] : [])),
  );
  const session = await Session.compile(Object.fromEntries(all));
  const used = session.lowered.inputs.map((x) => x.name);
  slopes = await session.run(Object.fromEntries(used.map((name) => [name, feeds[name]!])));
  await session.dispose();
});
after(() => values.dispose());

test("every operation has a case, and every rule a gradient in one", () => {
  const direct = new Set(traced.map(({ value }) => value.operation));
  const sloped = new Set(traced.filter((x) => x.gradients.some(Boolean)).map(({ value }) => value.operation));
  const operations = (Object.keys(rules) as Operation[]).filter((x) => !elsewhere.includes(x));
  assert.deepEqual(
    operations.filter((x) => !direct.has(x)),
    [],
  );
  assert.deepEqual(
    operations.filter((x) => rules[x] !== "none" && x !== "cast" && !sloped.has(x)),
    [],
  );
});

for (const { name, case: found, value, gradients } of traced) {
  test(`${name} has PyTorch's value`, () => {
    assert.deepEqual(value.shape, found.value.shape);
    assert.equal(value.type, found.value.type);
    near(results[`${name} value`]!, found.value.numbers, 1e-5);
  });
  if (gradients.some(Boolean))
    test(`${name} has PyTorch's gradient`, () => {
      gradients.forEach((gradient, i) => {
        if (gradient) near(slopes[`${name} gradient ${i}`]!, found.gradients![i]!.numbers, 2e-5);
      });
    });
}

test("gradients agree with central differences", async () => {
  const step = 0.01;
  // Cases are independent, so one run changes one element in each of them; of large inputs only some elements are changed.
  const sites = traced.map(({ name, gradients }) =>
    gradients.flatMap((gradient, i) => {
      const count = gradient?.count ?? 0;
      const every = Math.ceil(count / 32);
      return Array.from({ length: Math.ceil(count / every) || 0 }, (_, k) => ({
        name: `${name} ${i}`,
        i,
        at: k * every,
      }));
    }),
  );
  for (let round = 0; round < Math.max(...sites.map((x) => x.length)); round++) {
    const moved = (by: number) => {
      const numbers = { ...feeds };
      for (const { [round]: place } of sites)
        if (place)
          numbers[place.name] = (feeds[place.name] as Float32Array).map((x, at) => (at === place.at ? x + by : x));
      return values.run(numbers);
    };
    const up = await moved(step);
    const down = await moved(-step);
    traced.forEach(({ name, case: found }, c) => {
      const place = sites[c]![round];
      if (!place) return;
      const rise = found.seed!.numbers.map(
        (by, j) => by * (Number(up[`${name} value`]![j]) - Number(down[`${name} value`]![j])),
      );
      const slope = rise.reduce((sum, x) => sum + x, 0) / (2 * step);
      const answers = slopes[`${name} gradient ${place.i}`]!;
      const most = Math.max(1, ...Array.from(answers as Float32Array, Math.abs));
      const answer = Number(answers[place.at]);
      assert.ok(Math.abs(answer - slope) <= 3e-3 * most, `${place.name}[${place.at}]: ${answer}, not ${slope}`);
    });
  }
});

function numbersOf({ type, numbers }: Recorded): Numbers {
  if (type === "int64") return BigInt64Array.from(numbers.map(BigInt));
  return type === "bool" ? Uint8Array.from(numbers) : Float32Array.from(numbers);
}

/** Every number within a fraction of the largest one (or of 1, if all are smaller). */
function near(found: Numbers, expected: ArrayLike<number>, share: number): void {
  assert.equal(found.length, expected.length);
  const most = Math.max(1, ...Array.from(expected, Math.abs));
  for (let i = 0; i < expected.length; i++)
    assert.ok(
      Math.abs(Number(found[i]) - expected[i]!) <= share * most,
      `element ${i} is ${found[i]}, not ${expected[i]} within ${share * most}`,
    );
}
