/** Answers requests with the models of the service: what all routes have in common. */

import { type AnswerOf, type OperationName, operations } from "../api/schemas.ts";
import type { TaskWithoutFlag } from "../models/model-pool.ts";
import type { ServedModels } from "../models/served-models.ts";
import type { Limits } from "../models/settings.ts";
import type { FetchPicture } from "./fetch-picture.ts";
import { bytesOfBase64, checked, type ReadRequest } from "./read-request.ts";
import { Refusal } from "./refusal.ts";

/**
 * Answers a request. The signal is aborted when the client leaves. Throws InputError for an invalid request, and Refusal if it takes too long.
 */
export type Ask = <Name extends OperationName>(
  operation: Name,
  request: ReadRequest,
  signal: AbortSignal,
) => Promise<AnswerOf<Name>>;

type Image = { readonly base64: string } | { readonly url: string };
interface AnyRequest {
  readonly image?: Image | undefined;
  readonly model?: string | undefined;
  readonly adapted?: string | undefined;
}

/** Makes what answers requests. */
export function asking(models: ServedModels, fetchPicture: FetchPicture, limits: Limits): Ask {
  return async (operation, read, signal) => {
    const { image, model, ...fields } = checked(operations[operation].request, read) as AnyRequest;
    const { pool } = models.choose(operation, { model, adapted: fields.adapted });
    const answer = await withinSeconds(limits.seconds, signal, async (limited) => {
      const picture = read.picture ?? (image && (await pictureOf(image, fetchPicture, limited)));
      const task = { operation, fields, ...(picture ? { picture } : {}) } as TaskWithoutFlag;
      return pool.run(task, limited);
    });
    return answer as AnswerOf<typeof operation>;
  };
}

async function pictureOf(image: Image, fetchPicture: FetchPicture, signal: AbortSignal): Promise<Uint8Array> {
  return "url" in image ? fetchPicture(image.url, signal) : bytesOfBase64(image.base64);
}

/** Calls `work` with a signal that is aborted with the given one, or when the time is over. */
async function withinSeconds<Result>(
  seconds: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const leave = () => controller.abort(signal.reason);
  const late = () =>
    controller.abort(new Refusal(503, `there was no answer within ${seconds} seconds; try again later`));
  const timer = setTimeout(late, seconds * 1000);
  signal.throwIfAborted();
  signal.addEventListener("abort", leave);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", leave);
  }
}
