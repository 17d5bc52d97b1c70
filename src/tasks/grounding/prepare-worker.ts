/** The program of the thread that prepares pictures. */

import { createHash } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { plainError } from "../../errors.ts";
import { decodePicture } from "../../inputs/picture.ts";
import { prepareImage, type SizeRule } from "../../inputs/prepare-image.ts";
import type { PrepareAnswer, PrepareQuestion } from "./picture-preparer.ts";

const port = parentPort!;

port.on("message", async ({ number, picture }: PrepareQuestion) => {
  try {
    const decoded = await decodePicture(picture);
    const digest = createHash("sha256").update(decoded.data).digest("base64");
    const prepared = prepareImage(decoded, workerData as SizeRule);
    const { width, height } = decoded;
    const made = { prepared, width, height, digest };
    port.postMessage({ number, made } satisfies PrepareAnswer, [prepared.tensor.buffer as ArrayBuffer]);
  } catch (error) {
    port.postMessage({ number, error: plainError(error) } satisfies PrepareAnswer);
  }
});
