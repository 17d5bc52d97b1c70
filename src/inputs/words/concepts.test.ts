import assert from "node:assert/strict";
import { test } from "node:test";
import { conceptsOf, countConcepts } from "./concepts.ts";

test("a concept is the singular of the last noun, with the nouns before it and without adjectives", () => {
  assert.deepEqual(conceptsOf("Two small dogs are next to the red traffic lights."), ["dog", "traffic light"]);
  assert.deepEqual(conceptsOf("Three women and some children on a beach"), ["woman", "child", "beach"]);
});

test("several nouns before the last come out in reversed order, as in the reference", () => {
  assert.deepEqual(conceptsOf("A city bus stop."), ["bus city stop"]);
});

test("concepts are counted, the most frequent first; rare and stopped ones go", () => {
  const captions = ["A dog and a cat.", "The dogs on a beach.", "A dog near a cat."];
  assert.deepEqual(countConcepts(captions, { least: 2 }), [
    { name: "dog", count: 3 },
    { name: "cat", count: 2 },
  ]);
  assert.deepEqual(countConcepts(captions, { least: 2, stop: ["dog"] }), [{ name: "cat", count: 2 }]);
});
