/** The forms of Roboflow's inference server for open-vocabulary detectors. */

import { randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { AnswerOf } from "../api/schemas.ts";
import type { Ask } from "../http/ask.ts";
import { bodyOf, jsonOf, parsedBy } from "../http/read-request.ts";

const MOST_PICTURES = 32;

const picture = z.object({ type: z.enum(["base64", "url"]), value: z.string().min(1) });
const request = z.object({
  image: z.union([picture, z.array(picture).min(1).max(MOST_PICTURES)]),
  text: z.array(z.string()),
  confidence: z.number().nullish(),
  box_threshold: z.number().nullish(),
  text_threshold: z.number().nullish(),
});

/** Adds `/grounding_dino/infer` and `/yolo_world/infer`. Several pictures get a list of answers. */
export function addRoboflow(app: FastifyInstance, ask: Ask): void {
  for (const path of ["/grounding_dino/infer", "/yolo_world/infer"])
    app.post(path, { config: { works: true, errorKey: "message" } }, async ({ body, left }) => {
      const { image, text, confidence, box_threshold, text_threshold } = parsedBy(request, jsonOf(bodyOf(body)));
      const threshold = confidence ?? box_threshold;
      const inferred = async ({ type, value }: z.infer<typeof picture>) => {
        const start = performance.now();
        const fields = {
          image: type === "url" ? { url: value } : { base64: value },
          classes: text,
          ...(threshold == null ? {} : { threshold }),
          ...(text_threshold == null ? {} : { textThreshold: text_threshold }),
        };
        return inference(await ask("detect", { fields }, left), text, (performance.now() - start) / 1000);
      };
      if (!Array.isArray(image)) return inferred(image);
      const all = [];
      for (const one of image) all.push(await inferred(one));
      return all;
    });
}

/** Boxes by their centres. */
function inference({ detections, width, height }: AnswerOf<"detect">, text: readonly string[], time: number): object {
  return {
    inference_id: randomUUID(),
    time,
    image: { width, height },
    predictions: detections.map(({ score, label, box: { xmin, ymin, xmax, ymax } }) => ({
      x: (xmin + xmax) / 2,
      y: (ymin + ymax) / 2,
      width: xmax - xmin,
      height: ymax - ymin,
      confidence: score,
      class: label,
      class_id: text.indexOf(label),
      detection_id: randomUUID(),
    })),
  };
}
