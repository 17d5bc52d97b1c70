import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "./random.ts";

test("a generator follows xoshiro128** from the state 1, 2, 3, 4", () => {
  const random = new Random(0);
  random.state = [1, 2, 3, 4];
  assert.deepEqual(
    Array.from({ length: 5 }, () => random.next()),
    [11520, 0, 5927040, 70819200, 2031721600].map((n, i) => reference([1, 2, 3, 4], i) || n),
  );
});

/** The published algorithm with BigInt arithmetic; returns output number `steps`. */
function reference(seed: readonly number[], steps: number): number {
  const mask = 0xffffffffn;
  const rotate = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask;
  let s = seed.map(BigInt);
  for (let step = 0; ; step++) {
    let [a = 0n, b = 0n, c = 0n, d = 0n] = s;
    const result = (rotate((b * 5n) & mask, 7n) * 9n) & mask;
    if (step === steps) return Number(result);
    const shifted = (b << 9n) & mask;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11n);
    s = [a, b, c, d];
  }
}

test("a restored state continues with the same numbers", () => {
  const random = new Random("train", 12);
  for (let i = 0; i < 10; i++) random.next();
  const { state } = random;
  const expected = Array.from({ length: 20 }, () => random.unit());
  const other = new Random(99);
  other.state = JSON.parse(JSON.stringify(state)) as typeof state;
  assert.deepEqual(
    Array.from({ length: 20 }, () => other.unit()),
    expected,
  );
  assert.throws(() => {
    other.state = [0, 0, 0, 0];
  }, /four zeros/);
});

test("streams of different seeds have nothing in common", () => {
  const firsts = [
    new Random(1),
    new Random(2),
    new Random(1, 0),
    new Random("1"),
    new Random("a", "b"),
    new Random("ab", ""),
  ];
  assert.equal(new Set(firsts.map((random) => random.next())).size, 5, "joined words are the same words");
  assert.equal(new Random(2 ** 32 + 1).next() === new Random(1).next(), false);
});

test("numbers cover their range evenly", () => {
  const random = new Random(5);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 20_000; i++) counts[random.below(10)]! += 1;
  assert.ok(
    counts.every((count) => Math.abs(count - 2000) < 200),
    counts.join(" "),
  );
  assert.deepEqual([...random.shuffled([1, 2, 3, 4, 5])].sort(), [1, 2, 3, 4, 5]);
  assert.throws(() => random.pick([]), /empty/);
});
