/** Runs a model on pictures for an evaluation, in this thread or in worker threads. */

import { type PlainError, revivedError } from "../errors.ts";
import { moduleBeside, startWorker } from "../files/start-worker.ts";
import type { GroundingModel } from "../tasks/finding/grounding-model.ts";
import { loadModel } from "../tasks/finding/load-model.ts";
import type { Found, Question } from "./protocols/question.ts";

export interface AnsweringModel {
  answer(question: Question): Promise<Found[]>;
  dispose(): Promise<void>;
}

/** The model (default: the built-in one), and the file of an adapted prompt or adapters. */
export interface ModelToAsk {
  model?: string | undefined;
  adapted?: string | undefined;
}

/**
 * A model in this thread. Its operations use one thread, because the number of threads changes the last digits, and an evaluation
 * must not depend on the number of cores.
 */
export async function detectorHere({ model, adapted }: ModelToAsk): Promise<AnsweringModel> {
  const loaded = await loadModel(model, { threads: 1, ...(adapted === undefined ? {} : { adapted }) });
  return {
    answer: (question) => answerOf(loaded, question),
    dispose: () => loaded.dispose(),
  };
}

/** The detections of a model in a picture. */
export async function answerOf(model: GroundingModel, { picture, options, ...asked }: Question): Promise<Found[]> {
  // Low scores also count in average precision.
  const how = { threshold: 0, ...options };
  if ("adapted" in asked) return model.detect(picture, undefined, how);
  const found: Found[] = [];
  if ("chunks" in asked) {
    for (const classes of asked.chunks) found.push(...(await model.detect(picture, classes, how)));
    return found;
  }
  for (const [caption, { text, spans }] of asked.captions.entries()) {
    if (spans.length === 0) continue;
    for (const { span, ...detection } of await model.ground(picture, text, { ...how, phrases: spans })) {
      const phrase = spans.findIndex(([start, end]) => start === span[0] && end === span[1]);
      found.push({ ...detection, caption, phrase });
    }
  }
  return found;
}

/** A worker thread's reply: detections or an error. */
export type Answer = { found: Found[] } | { error: PlainError };

/** Models in `count` worker threads. */
export function detectorsInThreads(asked: ModelToAsk, count: number): AnsweringModel[] {
  return Array.from({ length: count }, () => {
    const worker = startWorker(moduleBeside("./worker", import.meta.url), asked);
    let fail: (error: Error) => void = () => {};
    worker.on("error", (error) => fail(error));
    const ended = new Promise<void>((resolve) => {
      worker.once("exit", (code) => {
        fail(new Error(`an evaluation's worker thread stopped with code ${code}`));
        resolve();
      });
    });
    return {
      answer: (question) =>
        new Promise<Found[]>((resolve, reject) => {
          fail = reject;
          worker.once("message", (answer: Answer) => {
            if ("found" in answer) resolve(answer.found);
            else reject(revivedError(answer.error));
          });
          worker.postMessage(question);
        }),
      // Sends a message instead of terminating the thread, so that a session is never destroyed while it runs.
      dispose: () => {
        worker.postMessage("end");
        return ended;
      },
    };
  });
}
