/** The service's own routes. */

import { readFileSync } from "node:fs";
import type { FastifyInstance } from "fastify";
import { apiPage, PAGE_POLICY } from "../api/api-page.ts";
import { openApi } from "../api/openapi.ts";
import { operationNames } from "../api/schemas.ts";
import type { ServedModels } from "../models/served-models.ts";
import { queryOf } from "./app.ts";
import type { Ask } from "./ask.ts";
import type { Metrics } from "./metrics.ts";
import { bodyOf, readRequest } from "./read-request.ts";

export interface RouteParts {
  readonly models: ServedModels;
  readonly ask: Ask;
  readonly metrics: Metrics;
  /** Whether the service is ending. */
  readonly isEnding: () => boolean;
}

/** Adds the operations, the list of models, the description, and what watches the service. */
export function addRoutes(app: FastifyInstance, { models, ask, metrics, isEnding }: RouteParts): void {
  for (const name of operationNames)
    app.post(`/v1/${name}`, { config: { works: true } }, async (request) => {
      const type = request.headers["content-type"] ?? "";
      return ask(name, await readRequest(type, bodyOf(request.body), queryOf(request)), request.left);
    });
  app.get("/v1/models", async () => ({
    models: models.models.map(({ name, operations, adapted }) => ({ name, operations, adapted })),
  }));
  app.get("/healthz", { config: { open: true } }, async () => ({ status: "ok" }));
  app.get("/readyz", { config: { open: true } }, async (_, reply) =>
    isEnding() ? reply.code(503).send({ status: "ending" }) : { status: "ready" },
  );
  app.get("/metrics", async (_, reply) => reply.type(metrics.contentType).send(await metrics.text()));
  addDescription(app);
}

function addDescription(app: FastifyInstance): void {
  const { version } = JSON.parse(readFileSync(new URL("../../../../package.json", import.meta.url), "utf8"));
  const document = openApi(version);
  app.get("/openapi.json", { config: { open: true } }, async () => document);
  app.get("/docs", { config: { open: true } }, async (request, reply) =>
    reply
      .type("text/html; charset=utf-8")
      .header("content-security-policy", PAGE_POLICY)
      .send(apiPage(version, `${request.protocol}://${request.host}`)),
  );
}
