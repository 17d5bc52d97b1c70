/** The program of the thread that prepares pictures. */

import { createHash } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { plainError } from "../../errors.ts";
import { decodePicture } from "../../inputs/picture.ts";
import { prepareImage } from "../../inputs/prepare-image.ts";
import { squareOf } from "./companion.ts";
import type { PrepareAnswer, PrepareQuestion, PreparerSetup } from "./picture-preparer.ts";

const port = parentPort!;
const setup: PreparerSetup = workerData;

port.on("message", async ({ number, picture }: PrepareQuestion) => {
  try {
    const decoded = await decodePicture(picture);
    const digest = createHash("sha256").update(decoded.data).digest("base64");
    const prepared = prepareImage(decoded, setup.size);
    const squares = setup.square ? [squareOf(decoded)] : [];
    const { width, height } = decoded;
    const made = { prepared, width, height, digest, ...(squares[0] ? { square: squares[0] } : {}) };
    const moved = [prepared.tensor, ...squares].map(({ buffer }) => buffer as ArrayBuffer);
    port.postMessage({ number, made } satisfies PrepareAnswer, moved);
  } catch (error) {
    port.postMessage({ number, error: plainError(error) } satisfies PrepareAnswer);
  }
});
