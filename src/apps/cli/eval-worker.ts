/** The program of an evaluation's worker thread: answers questions about pictures, one after the other. */
import { on } from "node:events";
import { parentPort, workerData } from "node:worker_threads";
import { detectorHere, type Question } from "./eval-detector.ts";

const { model } = workerData as { model: string | undefined };
const port = parentPort!;
const questions = on(port, "message");
const detector = await detectorHere(model);
for await (const [question] of questions) {
  if (question === "end") break;
  try {
    port.postMessage({ found: await detector.answer(question as Question) });
  } catch (error) {
    port.postMessage({ error });
  }
}
await detector.dispose();
port.close();
