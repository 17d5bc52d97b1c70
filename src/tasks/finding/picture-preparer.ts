/** Decodes and prepares pictures in a worker thread, while the model runs on earlier pictures. */

import { moduleBeside } from "../../files/module-beside.ts";
import { type OpenWorker, openWorker } from "../../files/open-worker.ts";
import type { DigestedPicture } from "./prepare-worker.ts";
import type { Preparations } from "./prepared-picture.ts";

/** Its requests are paths or bytes of pictures; an InputError names what is not a picture. Close it when done. */
export type PicturePreparer = OpenWorker<string | Uint8Array, DigestedPicture>;

/** Starts the worker with the preparations to apply (`GroundingModel.preparations`). */
export function openPicturePreparer(preparations: Preparations): PicturePreparer {
  const module = moduleBeside("./prepare-worker", import.meta.url);
  return openWorker<typeof import("./prepare-worker.ts")>("picture worker", module, preparations);
}
