import assert from "node:assert/strict";
import { test } from "node:test";
import { add, constant, input, inScope, matmul, parameter, printGraph, relu, sum } from "./index.ts";

test("a graph is printed with one tensor per line, inputs first, with scopes and the names of outputs", () => {
  const x = input("x", [4, 8]);
  const hidden = inScope("layers.0.fc1", () => relu(matmul(x, parameter("layers.0.fc1.weight", [8, 16]))));
  const moved = add(hidden, constant(new Float32Array(16)));
  const shifted = add(moved, 0.5);
  assert.equal(
    printGraph({ y: sum(shifted, [1]), hidden }),
    `
0 input(x)                        float32 [4, 8]
1 parameter(layers.0.fc1.weight)  float32 [8, 16]  in layers.0.fc1
2 matmul(0, 1)                    float32 [4, 16]  in layers.0.fc1
3 relu(2)                         float32 [4, 16]  in layers.0.fc1 -> hidden
4 constant()                      float32 [16]
5 add(3, 4)                       float32 [4, 16]
6 constant(0.5)                   float32 []
7 add(5, 6)                       float32 [4, 16]
8 sum(7; axes [1])                float32 [4, 1]   -> y
`.trim(),
  );
});
