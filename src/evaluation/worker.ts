/** The program of an evaluation's worker thread: runs the model on pictures, one after the other. */
import { on } from "node:events";
import { parentPort, workerData } from "node:worker_threads";
import { plainError } from "../errors.ts";
import { type Answer, detectorHere, type ModelToAsk } from "./detector.ts";
import type { Question } from "./protocols/question.ts";

const port = parentPort!;
const questions = on(port, "message");
// If the model cannot be loaded, the first reply has the error.
const loading = detectorHere(workerData as ModelToAsk);
loading.catch(() => {});

for await (const [question] of questions) {
  if (question === "end") break;
  port.postMessage(await answerTo(question as Question));
}
await loading.then((detector) => detector.dispose()).catch(() => {});
port.close();

async function answerTo(question: Question): Promise<Answer> {
  try {
    const detector = await loading;
    return { found: await detector.answer(question) };
  } catch (error) {
    return { error: plainError(error) };
  }
}
