/** Decodes and prepares pictures in a worker thread, while the model runs on earlier pictures. */

import { type PlainError, revivedError } from "../../errors.ts";
import { moduleBeside, startWorker } from "../../files/start-worker.ts";
import type { Preparations, PreparedPicture } from "./prepared-picture.ts";

export interface PrepareQuestion {
  number: number;
  /** Path of a picture, or its bytes. */
  picture: string | Uint8Array;
}
export type PrepareAnswer = { number: number } & ({ made: DigestedPicture } | { error: PlainError });

/** A prepared picture and its digest. */
export interface DigestedPicture extends PreparedPicture {
  /** SHA-256 of its pixels. */
  readonly digest: string;
}

interface Waiting {
  resolve: (picture: DigestedPicture) => void;
  reject: (error: Error) => void;
}

/** A worker thread that prepares pictures. Dispose it when done. */
export class PicturePreparer {
  private readonly worker;
  private readonly waiting = new Map<number, Waiting>();
  private asked = 0;

  /** The preparations to apply (`GroundingModel.preparations`). */
  constructor(setup: Preparations) {
    this.worker = startWorker(moduleBeside("./prepare-worker", import.meta.url), setup);
    this.worker.on("message", (answer: PrepareAnswer) => {
      const { resolve, reject } = this.waiting.get(answer.number)!;
      this.waiting.delete(answer.number);
      if ("made" in answer) resolve(answer.made);
      else reject(revivedError(answer.error));
    });
    this.worker.on("error", (error) => this.fail(error));
    this.worker.on("exit", () => this.fail(new Error("the worker thread that prepares pictures stopped")));
  }

  /** @throws InputError that names the picture if it is not a picture. */
  prepare(picture: string | Uint8Array): Promise<DigestedPicture> {
    const number = this.asked++;
    return new Promise((resolve, reject) => {
      this.waiting.set(number, { resolve, reject });
      this.worker.postMessage({ number, picture } satisfies PrepareQuestion);
    });
  }

  async dispose(): Promise<void> {
    await this.worker.terminate();
  }

  /** The same as `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private fail(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
