import assert from "node:assert/strict";
import { test } from "node:test";
import { answerLoss, answerTargets } from "../../src/tasks/answering/answer-loss.ts";
import { input } from "../../src/tensor/index.ts";
import { Comparison } from "./golden.ts";
import { compareGradients, gradientsOf, inputsOf, nanoV2, needsGlipV2, openSet, runAll } from "./golden-glipv2.ts";

interface Meta extends Record<string, unknown> {
  answer_counts: [number, number][][];
  answers: number[];
  loss: { vqa: number; fp32_vs_fp64: number };
}

test("questions get the reference's logits, answers, loss and gradients", { skip: needsGlipV2 }, async () => {
  const golden = await openSet<Meta>("vqa");
  const { model, weights } = await nanoV2();
  const { image, ids, mask, feeds } = await inputsOf(golden);
  const [questions, answers] = golden.shape("input.targets") as [number, number];
  const targets = answerTargets(
    golden.meta.answer_counts.map((counts) => new Map(counts)),
    answers,
  );
  assert.deepEqual(targets, await golden.floats("input.targets"));
  const fused = model.tower.both(model.image(image), model.text(ids, mask), mask);
  const logits = model.answering!(fused.words);
  const loss = answerLoss(logits, input("targets", [questions, answers]));
  const outputs = { start: model.records.get("start")!, logits, loss, ...gradientsOf(loss) };
  const found = await runAll(outputs, { ...feeds, targets }, weights);
  const comparison = new Comparison();
  for (const name of ["start", "logits"]) await comparison.add(golden, name, found[name]!);
  const best = Array.from({ length: questions }, (_, i) => {
    const row = found.logits!.subarray(i * answers, (i + 1) * answers);
    return row.indexOf(Math.max(...row));
  });
  assert.deepEqual(best, golden.meta.answers);
  const { vqa, fp32_vs_fp64 } = golden.meta.loss;
  assert.ok(Math.abs(found.loss![0]! - vqa) <= 4 * Math.max(fp32_vs_fp64, vqa * 2 ** -23), `${found.loss![0]}`);
  const count = await compareGradients(golden, found, comparison);
  await golden.close();
  comparison.finish(2 + count);
  assert.ok(count > 200);
});
