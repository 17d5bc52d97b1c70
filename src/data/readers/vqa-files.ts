/** VQA v2's files: questions with the answers that people gave, and a model's answers. */

import { type JsonPath, readJson } from "./json.ts";
import { Problems } from "./problems.ts";
import { isNumber, isRecord, listIn } from "./values.ts";

/** A question with the answers that people gave. */
export interface AnsweredQuestion {
  readonly question_id: number;
  readonly question_type: string;
  readonly answer_type: string;
  readonly answers: readonly GivenAnswer[];
}

/** The answer of one person. */
export interface GivenAnswer {
  readonly answer: string;
  readonly answer_confidence?: string;
  readonly answer_id?: number;
}

/** A model's answer. */
export interface PredictedAnswer {
  readonly question_id: number;
  readonly answer: string;
}

/** Reads a file of annotations. Throws InputError that lists its errors with their lines. */
export function readVqaAnnotations(file: string): AnsweredQuestion[] {
  const problems = new Problems();
  const found = listIn(readJson(file), "annotations", { file, problems }).flatMap((record, index) => {
    const path = ["annotations", index];
    const question = questionOf(record, { file, path }, problems);
    return question ? [question] : [];
  });
  const seen = new Set<number>();
  found.forEach(({ question_id: id }, index) => {
    if (seen.has(id)) problems.error({ file, path: ["annotations", index] }, `question ${id} stands twice`);
    seen.add(id);
  });
  problems.refuseErrors(file);
  return found;
}

function questionOf(
  record: unknown,
  place: { file: string; path: JsonPath },
  problems: Problems,
): AnsweredQuestion | undefined {
  const { question_id, question_type, answer_type, answers } = isRecord(record) ? record : {};
  const isGiven = (given: unknown): given is GivenAnswer => isRecord(given) && typeof given.answer === "string";
  if (!isNumber(question_id) || typeof question_type !== "string" || typeof answer_type !== "string")
    problems.error(place, "must have question_id, question_type and answer_type");
  else if (!Array.isArray(answers) || answers.length === 0 || !answers.every(isGiven))
    problems.error(place, "must have answers, a list of records with an answer");
  else return { question_id, question_type, answer_type, answers };
  return undefined;
}

/** Reads a file of a model's answers, a list of records with question_id and answer. Throws InputError that lists its errors with their lines. */
export function readVqaAnswers(file: string): PredictedAnswer[] {
  const problems = new Problems();
  const json = readJson(file);
  if (!Array.isArray(json)) problems.error({ file, path: [] }, "must be a list of answers");
  const seen = new Set<number>();
  const found = (Array.isArray(json) ? json : []).flatMap((record: unknown, index): PredictedAnswer[] => {
    const { question_id, answer } = isRecord(record) ? record : {};
    if (isNumber(question_id) && typeof answer === "string") {
      if (seen.has(question_id)) problems.error({ file, path: [index] }, `question ${question_id} is answered twice`);
      seen.add(question_id);
      return [{ question_id, answer }];
    }
    problems.error({ file, path: [index] }, "must have question_id and answer");
    return [];
  });
  problems.refuseErrors(file);
  return found;
}
