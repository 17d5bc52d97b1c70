/** The HTTP server of the service: who may ask, how much, and what is logged. */

import { randomUUID } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { InputError, WeightsError } from "../../../errors.ts";
import { optional } from "../../../files/optional-package.ts";
import { WorkerEnded } from "../models/model-pool.ts";
import type { ServiceSettings } from "../models/settings.ts";
import type { Admission } from "./admission.ts";
import type { Metrics } from "./metrics.ts";
import { Refusal } from "./refusal.ts";
import { presentedToken, tokenCheck } from "./tokens.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Needs no token. */
    open?: true;
    /** Runs a model, and is refused when the service is full. */
    works?: true;
    /** The key of an error's message in the answer (default "error"). */
    errorKey?: string;
  }
  interface FastifyRequest {
    /** Aborted when the client leaves. */
    left: AbortSignal;
  }
}

/** Seconds between two looks at connections that are too slow. */
const CHECK_EVERY_MS = 1000;

/** Makes the server, without routes. Throws InputError if a package is missing. */
export async function makeApp(
  { limits, tokens, origins, logLevel }: ServiceSettings,
  admitted: Admission,
  metrics: Metrics,
): Promise<FastifyInstance> {
  const { fastify, LogController } = await optional(() => import("fastify"), {
    purpose: "groundling serve",
    packages: ["fastify"],
  });
  const app = fastify({
    logger: logLevel === "silent" ? false : { level: logLevel },
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestId,
    bodyLimit: limits.bytes,
    requestTimeout: limits.seconds * 1000,
    keepAliveTimeout: 72_000,
    http: { connectionsCheckingInterval: CHECK_EVERY_MS, headersTimeout: limits.seconds * 1000 },
    routerOptions: { maxParamLength: 500 },
  });
  app.decorateRequest("left");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_, body, done) => done(null, body));
  if (origins.length > 0) {
    const cors = await optional(() => import("@fastify/cors"), { purpose: "--cors", packages: ["@fastify/cors"] });
    await app.register(cors.default, { origin: [...origins], methods: ["GET", "POST"] });
  }
  guard(app, { allowed: tokenCheck(tokens), admitted, metrics });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: "there is no such route; see /docs", request: request.id }),
  );
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
  return app;
}

/** Checks a request before its body is read, and counts and logs it when it has ended. */
function guard(
  app: FastifyInstance,
  {
    allowed,
    admitted,
    metrics,
  }: { allowed: (token: string | undefined) => boolean; admitted: Admission; metrics: Metrics },
): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id).header("x-content-type-options", "nosniff");
    const { open, works } = request.routeOptions.config;
    const leaving = new AbortController();
    request.left = leaving.signal;
    if (!open && request.method !== "OPTIONS" && !allowed(presentedToken(request.headers, queryOf(request)))) {
      metrics.refused("token");
      reply.header("www-authenticate", "Bearer");
      throw new Refusal(401, "the token is missing or unknown; send the header Authorization: Bearer TOKEN");
    }
    const leave = works ? admitted.enter() : () => {};
    if (!leave) {
      metrics.refused("full");
      reply.header("retry-after", admitted.retryAfter);
      throw new Refusal(429, "the service is full; try again later");
    }
    reply.raw.once("close", () => {
      leave();
      if (reply.raw.writableFinished) return;
      metrics.left();
      request.log.info({ route: request.routeOptions.url }, "client left");
      leaving.abort(new Refusal(499, "the client left"));
    });
  });
  app.addHook("onResponse", async (request, reply) => {
    const route = request.routeOptions.url ?? "none";
    metrics.answered(route, reply.statusCode, reply.elapsedTime / 1000);
    const { method } = request;
    request.log.info({ method, route, status: reply.statusCode, ms: Math.round(reply.elapsedTime) }, "answered");
  });
}

/** The query of a request. */
export function queryOf({ url }: FastifyRequest): URLSearchParams {
  const start = url.indexOf("?");
  return new URLSearchParams(start < 0 ? "" : url.slice(start));
}

/** A client's own id if it is harmless, so that it can be found in both logs. */
function requestId({ headers }: { headers: Readonly<Record<string, string | string[] | undefined>> }): string {
  const given = headers["x-request-id"];
  return typeof given === "string" && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const status = statusOf(error);
  const message = status === 500 ? "an error of the service; see its log" : (error as Error).message;
  if (status === 500) request.log.error(error);
  else if (status === 503) request.log.warn(error);
  if (status === 503) reply.header("retry-after", 1);
  const { errorKey = "error" } = request.routeOptions.config;
  return reply.code(status).send({ [errorKey]: message, request: request.id });
}

function statusOf(error: unknown): number {
  if (error instanceof Refusal) return error.status;
  if (error instanceof InputError || error instanceof WeightsError) return 400;
  if (error instanceof WorkerEnded) return 503;
  // What the server itself refuses, such as a body that is too large.
  const { statusCode = 500 } = error as { statusCode?: number };
  return statusCode >= 400 && statusCode < 500 ? statusCode : 500;
}
