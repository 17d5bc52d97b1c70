/** The program of the worker thread that prepares pictures. */

import { createHash } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { plainError } from "../../errors.ts";
import { decodePicture } from "../../inputs/pictures/picture.ts";
import type { PrepareAnswer, PrepareQuestion } from "./picture-preparer.ts";
import { type Preparations, preparePicture } from "./prepared-picture.ts";

const port = parentPort!;
const setup: Preparations = workerData;

port.on("message", async ({ number, picture }: PrepareQuestion) => {
  try {
    const decoded = await decodePicture(picture);
    const digest = createHash("sha256").update(decoded.data).digest("base64");
    const made = { ...preparePicture(decoded, setup), digest };
    const moved = Object.values(made.images).map(({ tensor }) => tensor.buffer as ArrayBuffer);
    port.postMessage({ number, made } satisfies PrepareAnswer, moved);
  } catch (error) {
    port.postMessage({ number, error: plainError(error) } satisfies PrepareAnswer);
  }
});
