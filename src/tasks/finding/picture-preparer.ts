/** Decodes and prepares pictures in a thread of its own, while the model looks at those before. */

import { type PlainError, revivedError } from "../../errors.ts";
import { moduleBeside, startWorker } from "../../files/start-worker.ts";
import type { Preparations, PreparedPicture } from "./prepared-picture.ts";

export interface PrepareQuestion {
  number: number;
  /** Path of a picture, or its bytes. */
  picture: string | Uint8Array;
}
export type PrepareAnswer = { number: number } & ({ made: DigestedPicture } | { error: PlainError });

/** A prepared picture and what tells it from others. */
export interface DigestedPicture extends PreparedPicture {
  /** SHA-256 of its pixels. */
  readonly digest: string;
}

interface Waiting {
  resolve: (picture: DigestedPicture) => void;
  reject: (error: Error) => void;
}

/** A thread that prepares pictures; dispose it when done. */
export class PicturePreparer {
  private readonly worker;
  private readonly waiting = new Map<number, Waiting>();
  private asked = 0;

  /** What is to be made of pictures (`GroundingModel.preparations`). */
  constructor(setup: Preparations) {
    this.worker = startWorker(moduleBeside("./prepare-worker", import.meta.url), setup);
    this.worker.on("message", (answer: PrepareAnswer) => {
      const { resolve, reject } = this.waiting.get(answer.number)!;
      this.waiting.delete(answer.number);
      if ("made" in answer) resolve(answer.made);
      else reject(revivedError(answer.error));
    });
    this.worker.on("error", (error) => this.fail(error));
    this.worker.on("exit", () => this.fail(new Error("the thread that prepares pictures ended")));
  }

  /** @throws InputError, which names the picture, for anything that is not one. */
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

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private fail(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
