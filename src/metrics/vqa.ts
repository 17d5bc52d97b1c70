/** Accuracy of answers to questions about pictures (Goyal et al. 2017) as GT-Vision-Lab/VQA computes it. */

import type { AnsweredQuestion, GivenAnswer, PredictedAnswer } from "../data/readers/vqa-files.ts";
import { InputError } from "../errors.ts";
import { normalAnswer, trimAnswer } from "./answer-words.ts";

/** Accuracies in per cent. */
export interface VqaAccuracy {
  readonly overall: number;
  readonly perAnswerType: Readonly<Record<string, number>>;
  readonly perQuestionType: Readonly<Record<string, number>>;
}

export interface VqaEvaluation extends VqaAccuracy {
  /** [question, per cent], in the order of the questions. */
  readonly perQuestion: readonly (readonly [number, number])[];
}

/** Agreement with this many other people counts in full. */
const ENOUGH = 3;

/**
 * Mean accuracy over all questions and by type: for each given answer the share of `min(1, n/3)`, n being how many of the others are the prediction.
 * Throws InputError that lists questions without exactly one prediction and predictions without a question.
 */
export function evaluateVqa(
  questions: readonly AnsweredQuestion[],
  predictions: readonly PredictedAnswer[],
): VqaEvaluation {
  refuseUnfit(questions, predictions);
  const predicted = new Map(predictions.map(({ question_id, answer }) => [question_id, answer]));
  const rows = questions.map((question) => ({
    ...question,
    accuracy: answerAccuracy(question.answers, predicted.get(question.question_id)!),
  }));
  const byType = (type: "answer_type" | "question_type") => {
    const groups = new Map<string, number[]>();
    for (const row of rows) groups.set(row[type], [...(groups.get(row[type]) ?? []), row.accuracy]);
    return Object.fromEntries([...groups].map(([name, values]) => [name, perCent(values)]));
  };
  return {
    overall: perCent(rows.map(({ accuracy }) => accuracy)),
    perAnswerType: byType("answer_type"),
    perQuestionType: byType("question_type"),
    perQuestion: rows.map(({ question_id, accuracy }) => [question_id, 100 * accuracy] as const),
  };
}

/** The accuracy of one prediction, 0 to 1. Answers are normalised only if people disagreed. */
export function answerAccuracy(given: readonly GivenAnswer[], prediction: string): number {
  const trimmed = given.map((record) => ({ ...record, answer: trimAnswer(record.answer) }));
  const disagree = new Set(trimmed.map(({ answer }) => answer)).size > 1;
  const records = disagree ? trimmed.map((r) => ({ ...r, answer: normalAnswer(r.answer) })) : trimmed;
  const plain = trimAnswer(prediction);
  const wanted = disagree ? normalAnswer(plain) : plain;
  const keys = records.map(({ answer, answer_confidence, answer_id }) =>
    JSON.stringify([answer, answer_confidence, answer_id]),
  );
  // Records that are equal as a whole do not count as others.
  const shares = records.map((_, i) => {
    const others = records.filter(({ answer }, j) => keys[j] !== keys[i] && answer === wanted).length;
    return Math.min(1, others / ENOUGH);
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** Numbers as they are printed: two decimals. */
export function roundedAccuracy({ overall, perAnswerType, perQuestionType }: VqaAccuracy): VqaAccuracy {
  const round = (value: number) => Number(value.toFixed(2));
  const all = (values: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, round(value)]));
  return { overall: round(overall), perAnswerType: all(perAnswerType), perQuestionType: all(perQuestionType) };
}

function perCent(values: readonly number[]): number {
  return (100 * values.reduce((sum, value) => sum + value, 0)) / values.length;
}

function refuseUnfit(questions: readonly AnsweredQuestion[], predictions: readonly PredictedAnswer[]): void {
  const counts = new Map<number, number>();
  for (const { question_id } of predictions) counts.set(question_id, (counts.get(question_id) ?? 0) + 1);
  const known = new Set(questions.map(({ question_id }) => question_id));
  const problems = [...known].flatMap((id) => {
    const count = counts.get(id) ?? 0;
    return count === 1 ? [] : [`question ${id}: ${count} answers`];
  });
  for (const id of counts.keys()) if (!known.has(id)) problems.push(`question ${id}: is not in the annotations`);
  if (questions.length === 0) problems.push("there are no questions");
  for (const { question_id, answers } of questions)
    if (answers.length === 0) problems.push(`question ${question_id}: nobody answered it`);
  if (problems.length)
    throw new InputError(
      `answers do not fit; write exactly one for each question:\n  ${problems.slice(0, 20).join("\n  ")}`,
    );
}
