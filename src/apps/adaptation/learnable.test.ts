import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { Random } from "../../data/random.ts";
import { WordPieces } from "../../inputs/words/word-pieces.ts";
import { AnyWords } from "../../inputs/words/words.ts";
import type { NamedArrays } from "../../learning/optimizer.ts";
import { glipPictures } from "../../models/parts/glip-pictures.ts";
import { tinyBatch } from "../../tasks/grounding/fixtures/tiny-batch.ts";
import { tinyModel, vocabulary } from "../../tasks/grounding/fixtures/tiny-model.ts";
import { TrainingSessions } from "./adapt-model.ts";
import { learnableOf } from "./learnable.ts";
import type { Method } from "./methods.ts";

const words = new AnyWords(WordPieces.parse(readFileSync(vocabulary, "utf8")));
const base = { ...tinyModel(), words, vocabulary, preparation: { ...glipPictures, size: { short: 64, max: 64 } } };
const sessions = new TrainingSessions({ optimization: "none" });
after(() => sessions.dispose());

test("gradients of trained parameters do not depend on frozen ones, and equal the loss's slopes", async () => {
  const losses = async (frozen: readonly string[] | undefined, moved?: NamedArrays) => {
    const { model, names, numbers, weights } = learnableOf(base, {
      method: "full",
      seed: 1,
      ...(frozen ? { frozen } : {}),
    });
    return sessions.of(model, names, 1).run(weights(moved ?? numbers), tinyBatch(32, 64));
  };
  const whole = (await losses(undefined)).gradients;
  const frozen = ["^backbone", "^language_backbone\\.body\\.model\\.embeddings", "dyhead_tower\\.1"];
  const { gradients } = await losses(frozen);
  assert.ok(gradients.size > 20 && gradients.size < whole.size);
  for (const [name, gradient] of gradients) {
    const expected = whole.get(name)!;
    const scale = Math.max(1e-6, ...expected.map(Math.abs));
    gradient.forEach((value, i) => {
      assert.ok(Math.abs(value - expected[i]!) < 1e-4 * scale, `${name}[${i}]: ${value} and ${expected[i]}`);
    });
  }
  const norm = Math.hypot(...[...gradients.values()].flatMap((gradient) => [...gradient]));
  const { numbers } = learnableOf(base, { method: "full", seed: 1, frozen });
  const at = async (distance: number) => {
    const moved = new Map(
      [...numbers].map(([name, values]) => [
        name,
        values.map((value, i) => value + (distance * (gradients.get(name)?.[i] ?? 0)) / norm),
      ]),
    );
    return Object.values((await losses(frozen, moved)).losses).reduce((sum, value) => sum + value, 0);
  };
  const distance = 1e-3;
  const slope = ((await at(distance)) - (await at(-distance))) / (2 * distance);
  assert.ok(Math.abs(slope / norm - 1) < 0.03, `slope ${slope}, gradient ${norm}`);
});

for (const method of ["prompt", "adapters"] satisfies Method[]) {
  test(`gradients that reach ${method === "prompt" ? "a prompt's vectors" : "adapters"} are the loss's slopes along them`, async () => {
    const learnable = learnableOf(base, {
      method,
      seed: 1,
      ...(method === "adapters" ? { frozen: ["backbone"] } : {}),
    });
    const random = new Random(2);
    // Where nothing has been learned yet, the gradient of A is zero because B is.
    for (const numbers of learnable.numbers.values())
      for (let i = 0; i < numbers.length; i++) numbers[i]! += 0.2 * (random.unit() - 0.5);
    const step = sessions.of(learnable.model, learnable.names, 1);
    const run = async (numbers: NamedArrays) => {
      const { losses, gradients } = await step.run(learnable.weights(numbers), tinyBatch(32, 64));
      const loss = Object.values(losses).reduce((sum, value) => sum + value, 0);
      return { loss, gradients: learnable.gradients(numbers, gradients) };
    };
    const { gradients } = await run(learnable.numbers);
    assert.deepEqual([...gradients.keys()].sort(), [...learnable.numbers.keys()].sort());
    for (const part of method === "prompt" ? [/./] : [/lora_A/, /lora_B/]) {
      const chosen = [...gradients].filter(([name]) => part.test(name));
      const norm = Math.hypot(...chosen.flatMap(([, gradient]) => [...gradient]));
      assert.ok(norm > 1e-3, `${part} ${norm}`);
      const at = (distance: number) =>
        new Map(
          [...learnable.numbers].map(([name, numbers]) => {
            const way = part.test(name) ? gradients.get(name)! : undefined;
            return [name, way ? numbers.map((value, i) => value + (distance * way[i]!) / norm) : numbers];
          }),
        );
      const distance = 3e-3;
      const slope = ((await run(at(distance))).loss - (await run(at(-distance))).loss) / (2 * distance);
      assert.ok(Math.abs(slope / norm - 1) < 0.03, `${method} ${part}: slope ${slope}, gradient ${norm}`);
    }
  });
}
