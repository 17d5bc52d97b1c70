import assert from "node:assert/strict";
import { test } from "node:test";
import { Plateau } from "./plateau.ts";

test("the rate falls after more evaluations without a rise than patience allows, down to its floor", () => {
  const plateau = new Plateau({ metric: "AP", patience: 1, factor: 0.5, floor: 0.3 });
  const factors = [10, 11, 11.0001, 11, 0, 11, 12, 12, 12, 12, 12].map((AP) => {
    plateau.evaluated({ metrics: { AP } });
    return plateau.schedule(0);
  });
  //                        rise rise none: 1, 2 → fall, 0: passed over, 1, rise, 1, 2 → fall to the floor, 1, 2 → stays
  assert.deepEqual(factors, [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3]);
});

test("a restored plateau continues as the saved one", () => {
  const [one, two] = [0, 0].map(() => new Plateau({ metric: "AP", patience: 1 }));
  for (const AP of [3, 2]) one!.evaluated({ metrics: { AP } });
  two!.restore(JSON.parse(JSON.stringify(one!.save())));
  two!.evaluated({ metrics: { AP: 3 } });
  assert.equal(two!.schedule(0), 0.1);
  assert.throws(() => two!.restore([1]), { name: "RecipeError" });
  assert.throws(() => two!.evaluated({ metrics: { AR: 3 } }), { name: "RecipeError", message: /named AP;.* AR/ });
});
