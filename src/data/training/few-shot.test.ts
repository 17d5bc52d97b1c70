import assert from "node:assert/strict";
import { test } from "node:test";
import { fewShot } from "./few-shot.ts";

const classes = Array.from(
  { length: 60 },
  (_, i) => [["dog"], ["dog", "cat"], ["cow"], [], ["dog", "dog"], ["cat", "cow"]][i % 6]!,
);

test("each class is in as many pictures as there are shots, and every picture is needed", () => {
  for (const shots of [1, 3, 10]) {
    const taken = fewShot(classes, shots, 3);
    const counts = new Map<string, number>();
    for (const picture of taken) {
      const shown = new Set(classes[picture]);
      assert.ok([...shown].some((name) => (counts.get(name) ?? 0) < shots));
      for (const name of shown) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    for (const name of ["dog", "cat", "cow"]) assert.ok(counts.get(name)! >= shots);
    assert.ok(taken.every((picture) => classes[picture]!.length > 0));
    assert.equal(new Set(taken).size, taken.length);
  }
});

test("a seed always selects the same pictures, more shots select more pictures, and another seed selects other pictures", () => {
  assert.deepEqual(fewShot(classes, 3, 30), fewShot(classes, 3, 30));
  assert.deepEqual(
    fewShot(classes, 1, 30).filter((picture) => !fewShot(classes, 3, 30).includes(picture)),
    [],
  );
  assert.notDeepEqual(fewShot(classes, 3, 30), fewShot(classes, 3, 300));
});
