/** The loss of answers to questions. */

import { divide, multiply, softplus, subtract, type Tensor, total } from "../../tensor/index.ts";

/** How much the agreement of one person counts. */
const SHARE = 0.3;

/** Targets [questions,answers] from how many people gave each answer (by its index): min(1, 0.3 · count). */
export function answerTargets(counts: readonly ReadonlyMap<number, number>[], answers: number): Float32Array {
  const targets = new Float32Array(counts.length * answers);
  counts.forEach((given, question) => {
    for (const [answer, count] of given) targets[question * answers + answer] = Math.min(1, SHARE * count);
  });
  return targets;
}

/** Binary cross-entropy of logits [n,answers], summed over the answers, mean over the questions. */
export function answerLoss(logits: Tensor, targets: Tensor): Tensor {
  return divide(total(subtract(softplus(logits), multiply(logits, targets))), logits.shape[0]!);
}
