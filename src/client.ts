/** `groundling/client`: asks a service that `groundling serve` started. It runs in Node and in a page, and needs nothing else. */

import type { AnswerOf, OperationName, RequestOf } from "./apps/service/api/schemas.ts";

export type { AnswerOf, OperationName, RequestOf } from "./apps/service/api/schemas.ts";

/** A picture: the bytes of its file, or a URL that the service fetches, if it allows that. */
export type ClientPicture = Uint8Array<ArrayBuffer> | Blob | { readonly url: string } | { readonly base64: string };

/** A request of an operation, with a picture. */
export type ClientRequest<Name extends OperationName> = Omit<RequestOf<Name>, "image"> &
  ("embed" extends Name ? { readonly image?: ClientPicture } : { readonly image: ClientPicture });

/** How a client asks. */
export interface ClientOptions {
  /** Bearer token of the service. */
  token?: string;
  /** Default: the global `fetch`. */
  fetch?: typeof fetch;
}

/** Options of one call. */
export interface CallOptions {
  /** Ends the call. The service does not run what nobody waits for. */
  signal?: AbortSignal;
}

/** A model of the service, and what it can do. */
export interface ServiceModel {
  name: string;
  operations: OperationName[];
  /** Names of the adapted prompts that fit it. */
  adapted: string[];
}

/** A service. Every operation throws ServiceError if the service refuses the request, and what `fetch` throws if it cannot be reached. */
export type Client = {
  /** An operation of the service. */
  [Name in OperationName]: (request: ClientRequest<Name>, options?: CallOptions) => Promise<AnswerOf<Name>>;
} & {
  /** The models of the service. */
  models(options?: CallOptions): Promise<ServiceModel[]>;
};

/** The service refused a request, or could not answer it. The message is the service's. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  constructor(
    message: string,
    /** HTTP status: 4xx for a wrong request, 429 for a full service, 5xx for its errors. */
    readonly status: number,
    /** Id of the request in the service's log. */
    readonly request: string | undefined,
    /** Seconds to wait before the next try; only if the service says so. */
    readonly retryAfter: number | undefined,
  ) {
    super(message);
  }
}

const operationNames = ["detect", "ground", "segment", "answer", "describe", "classify", "embed"] as const;
type Same<A, B> = [A, B] extends [B, A] ? true : never;
const allNames: Same<(typeof operationNames)[number], OperationName> = true;

/** Makes a client for the service at a URL, such as http://localhost:8080. */
export function connect(url: string | URL, options: ClientOptions = {}): Client {
  const call = (path: string, init: RequestInit) => answerOf(new URL(path, url), init, options);
  const operation =
    (name: OperationName) =>
    ({ image, ...fields }: ClientRequest<OperationName>, { signal }: CallOptions = {}) =>
      call(`/v1/${name}`, { method: "POST", ...bodyOf(fields, image), ...(signal ? { signal } : {}) });
  const operations = allNames && Object.fromEntries(operationNames.map((name) => [name, operation(name)]));
  return {
    ...operations,
    models: async ({ signal }: CallOptions = {}) =>
      ((await call("/v1/models", signal ? { signal } : {})) as { models: ServiceModel[] }).models,
  } as Client;
}

/** A form for bytes, which need no base64; JSON for the rest. */
function bodyOf(fields: object, image: ClientPicture | undefined): Pick<RequestInit, "body" | "headers"> {
  if (!(image instanceof Uint8Array) && !(image instanceof Blob))
    return { body: JSON.stringify({ ...fields, image }), headers: { "content-type": "application/json" } };
  const form = new FormData();
  form.set("request", JSON.stringify(fields));
  form.set("image", image instanceof Blob ? image : new Blob([image]), "image");
  return { body: form };
}

async function answerOf(url: URL, init: RequestInit, { token, fetch: given = fetch }: ClientOptions): Promise<unknown> {
  const headers = { ...init.headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
  const response = await given(url, { ...init, headers });
  const body = (await response.json().catch(() => ({}))) as { error?: string; request?: string };
  if (response.ok) return body;
  const retryAfter = response.headers.get("retry-after");
  throw new ServiceError(
    body.error ?? `the service answered ${response.status}`,
    response.status,
    body.request,
    retryAfter === null ? undefined : Number(retryAfter),
  );
}
