/** The OpenAPI document of the service, from its schemas. */

import { z } from "zod";
import { errorAnswer, modelsAnswer, type OperationName, operationNames, operations } from "./schemas.ts";

type Json = Readonly<Record<string, unknown>>;

const refusals = {
  400: "The request is invalid",
  401: "The token is missing or unknown",
  403: "The picture's URL is not allowed",
  408: "The request took too long to arrive",
  413: "The request has too many bytes",
  415: "The content type is unknown",
  429: "The service is full; Retry-After says when to try again",
  500: "An error of the service",
  503: "There was no answer in time, or the service is ending; try again",
} as const;

/** The document, of OpenAPI 3.1. */
export function openApi(version: string): Json {
  const schemas = Object.fromEntries([
    ["Error", schemaOf(errorAnswer)],
    ["Models", schemaOf(modelsAnswer)],
    ...operationNames.flatMap((name) => [
      [`${titled(name)}Request`, schemaOf(operations[name].request)],
      [`${titled(name)}Answer`, schemaOf(operations[name].answer)],
    ]),
  ]);
  const paths = Object.fromEntries(operationNames.map((name) => [`/v1/${name}`, { post: operationOf(name, schemas) }]));
  return {
    openapi: "3.1.0",
    info: {
      title: "Groundling",
      version,
      description: "Find things in pictures by words.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{}, { token: [] }],
    paths: { ...paths, ...otherPaths() },
    components: { schemas, securitySchemes: { token: { type: "http", scheme: "bearer" } } },
  };
}

function operationOf(name: OperationName, schemas: Readonly<Record<string, Json>>): Json {
  const { about, example } = operations[name];
  const request = { $ref: `#/components/schemas/${titled(name)}Request` };
  const fields = fieldsOf(schemas[`${titled(name)}Request`]!);
  const form = { type: "object", properties: { image: { type: "string", format: "binary" }, ...fields } };
  return {
    operationId: name,
    summary: about,
    description: "As JSON; as a form; or as the bytes of a picture file, with the fields as query parameters.",
    parameters: Object.entries(fields).map(([field, schema]) => ({ name: field, in: "query", schema })),
    requestBody: {
      required: true,
      content: {
        "application/json": { schema: request, example: { image: { base64: "…" }, ...example } },
        "multipart/form-data": { schema: form },
        "image/*": { schema: { type: "string", format: "binary" } },
      },
    },
    responses: responses(`${titled(name)}Answer`, "The answer"),
  };
}

function otherPaths(): Json {
  const get = (operationId: string, summary: string, answers: Json) => ({
    get: { operationId, summary, responses: answers },
  });
  const plain = (description: string) => ({
    description,
    content: { "application/json": { schema: { type: "object" } } },
  });
  return {
    "/v1/models": get("models", "The models, and what each can do.", responses("Models", "The models")),
    "/healthz": get("healthz", "Whether the process runs.", { 200: plain("It runs") }),
    "/readyz": get("readyz", "Whether requests are taken.", { 200: plain("Yes"), 503: plain("The service is ending") }),
    "/metrics": get("metrics", "Numbers for Prometheus.", {
      200: { description: "The numbers", content: { "text/plain": { schema: { type: "string" } } } },
    }),
  };
}

function responses(schema: string, description: string): Json {
  const json = (name: string) => ({ "application/json": { schema: { $ref: `#/components/schemas/${name}` } } });
  const refused = Object.entries(refusals).map(([status, about]) => [
    status,
    { description: about, content: json("Error") },
  ]);
  return { 200: { description, content: json(schema) }, ...Object.fromEntries(refused) };
}

function schemaOf(schema: z.ZodType): Json {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: "input" });
  return rest;
}

/** The fields of a request that are not its picture. */
function fieldsOf({ properties }: Json): Readonly<Record<string, unknown>> {
  const { image, ...fields } = properties as Record<string, unknown>;
  return fields;
}

function titled(name: string): string {
  return name[0]!.toUpperCase() + name.slice(1);
}
