import assert from "node:assert/strict";
import { test } from "node:test";
import { TracedStep } from "../../src/learning/traced-step.ts";
import { answerLoss } from "../../src/tasks/answering/answer-loss.ts";
import { add, input, parameter, type Tensor } from "../../src/tensor/index.ts";
import { inputsOf, nanoV2, needsGlipV2, openSet, runAll } from "./golden-glipv2.ts";
import { boxInputs, tokenShares } from "./golden-masks.ts";

test("a learned prompt of zeros changes no bit of boxes, masks and answers, and it alone gets a gradient", {
  skip: needsGlipV2,
}, async () => {
  const golden = await openSet<Record<string, unknown>>("mask-infer");
  const { model, weights } = await nanoV2();
  const { image, ids, mask, feeds } = await inputsOf(golden);
  const length = ids.shape[1]!;
  const prompt = parameter("prompt.delta", [1, length, model.textWidth]);
  const labels = [0, 1];
  const fed = boxInputs((await golden.floats("input.boxes")).slice(0, 8), [0, 0]);
  const shares = input("shares", [2, length]);
  const outputsOf = (text: Tensor) => {
    const fused = model.tower.both(model.image(image), text, mask);
    const cuts = model.masks!.cut(fused.maps, fed.levels, fed.order);
    const of = { words: fused.words, pictures: fed.pictures, shares };
    const levels = model.align(fused);
    return {
      ...Object.fromEntries(levels.map(({ logits }, i) => [`logits.${i}`, logits] as const)),
      ...Object.fromEntries(levels.map(({ offsets }, i) => [`offsets.${i}`, offsets] as const)),
      masks: model.masks!.logits(model.masks!.pixels(cuts), of),
      answers: model.answering!(fused.words),
    };
  };
  const all = {
    ...feeds,
    ...fed.feeds,
    shares: tokenShares(
      labels.map((label) => [label + 1]),
      length,
    ),
  };
  // A learned prompt is added to the words' vectors before they are fed to the head, so the graph is the same.
  const vectors = await runAll({ vectors: model.text(ids, mask) }, feeds, weights);
  const outputs = outputsOf(input("vectors", [1, length, model.textWidth]));
  const plain = await runAll(outputs, { ...all, ...vectors }, weights);
  const delta = new Float32Array(length * model.textWidth);
  const prompted = await runAll(
    outputs,
    { ...all, vectors: vectors.vectors!.map((value, i) => value + delta[i]!) },
    weights,
  );
  assert.deepEqual(prompted, plain);
  delta.fill(0.1);
  const moved = await runAll(
    outputs,
    { ...all, vectors: vectors.vectors!.map((value, i) => value + delta[i]!) },
    weights,
  );
  for (const name of Object.keys(plain).filter((output) => !output.startsWith("offsets.")))
    assert.notDeepEqual(moved[name], plain[name], name);
  const zeros = new Map(weights).set("prompt.delta", new Float32Array(delta.length));

  const [pictures, , height, width] = image.shape as [number, number, number, number];
  const answers = outputs.answers.shape[1]!;
  const step = new TracedStep(
    {
      inputs: {
        image: { per: "picture", shape: () => image.shape },
        ids: { per: "picture", type: "int64", shape: () => ids.shape },
        mask: { per: "picture", shape: () => mask.shape },
      },
      forward: (fed: Readonly<Record<string, Tensor>>) => {
        const text = add(model.text(fed.ids!, fed.mask!), prompt);
        return model.answering!(model.tower.both(model.image(fed.image!), text, fed.mask!).words);
      },
    },
    {
      answers: {
        term: {
          targets: { targets: { per: "picture", shape: () => [pictures, answers] } },
          loss: (logits: Tensor, { targets }) => answerLoss(logits, targets!),
        },
      },
    },
    { threads: 1, frozen: /^(?!prompt\.)/ },
  );
  const targets = new Float32Array(pictures * answers).fill(0.3);
  const { gradients } = await step.run(zeros, { sizes: { pictures, height, width }, arrays: { ...feeds, targets } });
  await step.dispose();
  assert.deepEqual([...gradients.keys()], ["prompt.delta"]);
  const slope = gradients.get("prompt.delta")!;
  assert.ok(slope.some((value) => value !== 0) && slope.every(Number.isFinite));
  await golden.close();
});
