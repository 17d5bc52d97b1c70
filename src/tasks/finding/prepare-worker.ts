/** Decodes and prepares pictures in a worker thread. */

import { createHash } from "node:crypto";
import type { Service } from "../../files/open-worker.ts";
import { decodePicture } from "../../inputs/pictures/picture.ts";
import { type Preparations, type PreparedPicture, preparePicture } from "./prepared-picture.ts";

/** A prepared picture and its digest. */
export interface DigestedPicture extends PreparedPicture {
  /** SHA-256 of its pixels. */
  readonly digest: string;
}

/** A picture is a path or bytes. */
export function open(preparations: Preparations): Service<string | Uint8Array, DigestedPicture> {
  return {
    answer: async (picture) => {
      const decoded = await decodePicture(picture);
      const digest = createHash("sha256").update(decoded.data).digest("base64");
      return { ...preparePicture(decoded, preparations), digest };
    },
    transfer: ({ images }) => Object.values(images).map(({ tensor }) => tensor.buffer as ArrayBuffer),
  };
}
