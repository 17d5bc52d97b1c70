/** The form of Hugging Face's Inference API for zero-shot object detection. */

import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Ask } from "../http/ask.ts";
import { bodyOf, jsonOf, parsedBy } from "../http/read-request.ts";
import type { ServedModels } from "../models/served-models.ts";

/** As in transformers' pipeline. */
const DEFAULT_THRESHOLD = 0.1;

const request = z.object({
  inputs: z.string().min(1),
  parameters: z.object({
    candidate_labels: z.array(z.string()),
    threshold: z.number().optional(),
    top_k: z.int().nullish(),
  }),
});

/** Adds `/models/NAME`. A name that the service does not have, such as OWNER/NAME of the hub, means its first detector. */
export function addInferenceApi(app: FastifyInstance, ask: Ask, { models }: ServedModels): void {
  app.post<{ Params: { "*": string } }>("/models/*", { config: { works: true } }, async ({ body, params, left }) => {
    const { inputs, parameters } = parsedBy(request, jsonOf(bodyOf(body)));
    const { candidate_labels: classes, threshold = DEFAULT_THRESHOLD, top_k: topK } = parameters;
    const name = params["*"];
    const fields = {
      image: { base64: inputs },
      classes,
      threshold,
      ...(topK ? { topK } : {}),
      ...(models.some((model) => model.name === name) ? { model: name } : {}),
    };
    return (await ask("detect", { fields }, left)).detections;
  });
}
