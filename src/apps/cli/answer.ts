/** `groundling answer`: answers questions about pictures. */

import type { Command } from "commander";
import type { RawPicture } from "../../inputs/pictures/picture-source.ts";
import type { GroundingModel } from "../../tasks/finding/grounding-model.ts";
import type { QuestionResult } from "../detections/picture-result.ts";
import { answerFormats } from "../detections/text-formats.ts";
import { addFindingOptions, type FindingOptions, findInPictures, groundingModelOf } from "./finding.ts";
import { addGroundOptions, type GroundChoices, groundOf } from "./grounding-choice.ts";
import { PICTURES } from "./picture-files.ts";

interface Choices extends FindingOptions, GroundChoices {
  question: string[];
}

/** Adds the command to a program. */
export function addAnswerCommand(program: Command): void {
  const command = program
    .command("answer <pictures...>")
    .description(
      `Answer questions about pictures. Each picture is encoded once for all questions. Needs a GLIPv2 with answers. ${PICTURES}`,
    )
    .requiredOption("--question <text>", "question about the picture; can be repeated", (one, all: string[] = []) => [
      ...all,
      one,
    ]);
  addFindingOptions(addGroundOptions(command, "question"), answerFormats).action(
    async (images: string[], options: Choices) => {
      const { checkQuestion } = await import("../../tasks/finding/understanding.ts");
      const { question: questions } = options;
      questions.forEach(checkQuestion);
      const how = { ...options, ground: groundOf(options) };
      await findInPictures(images, options, {
        load: () => groundingModelOf(options, "answer"),
        ask: (model, picture) => answersTo(model, { picture, questions }, how),
        formats: answerFormats,
      });
    },
  );
}

async function answersTo(
  model: GroundingModel,
  { picture, questions }: { picture: RawPicture; questions: readonly string[] },
  how: Parameters<GroundingModel["answer"]>[2],
) {
  const answers: QuestionResult[] = [];
  for (const question of questions) answers.push({ question, ...(await model.answer(picture, question, how)) });
  return { answers, detections: answers.flatMap(({ phrases = [] }) => phrases) };
}
