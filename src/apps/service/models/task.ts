/** What the service asks of a model in a worker thread, and what comes back. */

import type { z } from "zod";
import { InputError } from "../../../errors.ts";
import type { PlainError } from "../../../files/plain-error.ts";
import { decodePicture } from "../../../inputs/pictures/picture.ts";
import type { RawPicture } from "../../../inputs/pictures/picture-source.ts";
import type { OperationName, operations } from "../api/schemas.ts";

/** The fields of a request except its picture. */
export type FieldsOf<Name extends OperationName> = Omit<
  z.output<(typeof operations)[Name]["request"]>,
  "image" | "model"
>;

/** A request for a model. */
export type Task = {
  [Name in OperationName]: { readonly operation: Name; readonly fields: FieldsOf<Name> };
}[OperationName] & {
  /** Bytes of a picture file. */
  readonly picture?: Uint8Array;
  /** One number in shared memory, which is not zero once the answer is not wanted. */
  readonly left: Int32Array;
};

/** The answer to a task, or why there is none. */
export type Outcome = { readonly answer: unknown } | { readonly error: PlainError };

/** What a model can do. */
export interface ModelFacts {
  readonly operations: readonly OperationName[];
  /** Names of the adapted prompts that fit it. */
  readonly adapted: readonly string[];
}

/** How a model is loaded for the service. */
export interface ModelSetup {
  /** Path or name of the model. */
  readonly model: string;
  readonly adapted: readonly { readonly name: string; readonly path: string }[];
  /** Options of `loadModel` and `loadEncoder`. */
  readonly loading: {
    readonly offline?: boolean;
    readonly threads?: number;
    readonly patient?: boolean;
    readonly precision?: "float16";
    readonly weightBits?: 8;
  };
  /** Pictures of more pixels are refused before they are decoded. */
  readonly maxPixels: number;
}

/** A loaded model that does tasks. */
export interface TaskModel extends ModelFacts {
  /** Does the tasks in order; a failure concerns only its task. */
  run(tasks: readonly Task[]): Promise<Outcome[]>;
  dispose(): Promise<void>;
}

/** The picture of a task. Throws InputError if it is not wanted any more, or not a picture. */
export async function pictureOf({ picture, left }: Task, maxPixels: number): Promise<RawPicture> {
  if (Atomics.load(left, 0) !== 0) throw new InputError("the client left");
  if (!picture) throw new InputError("there is no picture; give image");
  return { ...(await decodePicture(picture, { maxPixels })), channels: 3 };
}
