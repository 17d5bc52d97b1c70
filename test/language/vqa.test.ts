import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnsweredQuestion, PredictedAnswer } from "../../src/data/readers/vqa-files.ts";
import { InputError } from "../../src/errors.ts";
import { normalAnswer, trimAnswer, withoutPunctuation } from "../../src/metrics/answer-words.ts";
import { answerAccuracy, evaluateVqa, roundedAccuracy, type VqaAccuracy } from "../../src/metrics/vqa.ts";
import { languageSets } from "./golden-language.ts";

interface Expected {
  accuracy: VqaAccuracy;
  unrounded: VqaAccuracy;
  perQuestion: [number, number][];
  firstThird: { questions: number[]; accuracy: VqaAccuracy };
  single: { accuracy: VqaAccuracy; question_id: number };
}

for (const { name, read } of languageSets("vqa", "expected.json")) {
  test(`${name}: answers are normalised as the original does`, () => {
    for (const [answer, punctuation, final] of read<[string, string, string][]>("normalise.json")) {
      const trimmed = trimAnswer(answer);
      assert.deepEqual([withoutPunctuation(trimmed), normalAnswer(trimmed)], [punctuation, final], answer);
    }
  });

  test(`${name}: accuracies are the original's, overall, by type and of each question`, () => {
    const { annotations } = read<{ annotations: AnsweredQuestion[] }>("annotations.json");
    const results = read<PredictedAnswer[]>("results.json");
    const expected = read<Expected>("expected.json");
    const among = (ids: readonly number[]) => {
      const wanted = new Set(ids);
      return evaluateVqa(
        annotations.filter(({ question_id }) => wanted.has(question_id)),
        results.filter(({ question_id }) => wanted.has(question_id)),
      );
    };
    const all = evaluateVqa(annotations, results);
    assert.deepEqual(roundedAccuracy(all), expected.accuracy);
    const near = (a: number, b: number, what: string) => assert.ok(Math.abs(a - b) <= 1e-10, `${what}: ${a}, not ${b}`);
    near(all.overall, expected.unrounded.overall, "overall");
    for (const part of ["perAnswerType", "perQuestionType"] as const) {
      assert.deepEqual(Object.keys(all[part]).sort(), Object.keys(expected.unrounded[part]).sort());
      for (const [type, value] of Object.entries(expected.unrounded[part])) near(all[part][type]!, value, type);
    }
    const found = new Map(all.perQuestion);
    assert.equal(found.size, expected.perQuestion.length);
    for (const [id, value] of expected.perQuestion) near(found.get(id)!, value, String(id));
    assert.deepEqual(roundedAccuracy(among(expected.firstThird.questions)), expected.firstThird.accuracy);
    assert.deepEqual(roundedAccuracy(among([expected.single.question_id])), expected.single.accuracy);
    assert.throws(() => evaluateVqa(annotations, results.slice(1)), InputError);
    assert.throws(() => evaluateVqa(annotations.slice(1), results), /is not in the annotations/);
  });
}

test("of ten answers, 0 to 10 that agree give 0, 0.3, 0.6, 0.9 and 1", () => {
  const table = Array.from({ length: 11 }, (_, k) => {
    const given = Array.from({ length: 10 }, (_, i) => ({ answer: i < k ? "blue" : `grey ${i}`, answer_id: i + 1 }));
    return Number(answerAccuracy(given, "blue").toFixed(10));
  });
  assert.deepEqual(table, [0, 0.3, 0.6, 0.9, 1, 1, 1, 1, 1, 1, 1]);
});

test("people who all said the same are compared letter by letter", () => {
  const given = Array.from({ length: 10 }, (_, i) => ({ answer: "two", answer_id: i }));
  assert.equal(answerAccuracy(given, "2"), 0);
  assert.equal(answerAccuracy(given, " two\n"), 1);
  assert.throws(() => evaluateVqa([], []), /there are no questions/);
});
