/** The form of Label Studio's ML backends: boxes for tasks, before a person looks at them. */

import { randomUUID } from "node:crypto";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import { z } from "zod";
import { InputError } from "../../../errors.ts";
import { namesInPrompt } from "../../../inputs/words/prompts.ts";
import type { AnswerOf } from "../api/schemas.ts";
import type { Ask } from "../http/ask.ts";
import { bodyOf, jsonOf, parsedBy } from "../http/read-request.ts";
import { type LabelConfig, readLabelConfig } from "./label-config.ts";

const MOST_TASKS = 1000;
/** The most projects whose last prompt is kept. */
const MOST_PROJECTS = 1000;
const VERSION = "groundling";

const project = z.union([z.string(), z.number()]).nullish();
const prompted = z.object({ value: z.object({ text: z.union([z.string(), z.array(z.string())]).optional() }) });
const request = z.object({
  tasks: z.array(z.object({ data: z.record(z.string(), z.unknown()) })).max(MOST_TASKS),
  label_config: z.string(),
  project,
  params: z.object({ context: z.object({ result: z.array(z.unknown()).nullish() }).nullish() }).nullish(),
});

/** Adds `/health`, `/setup`, `/predict` and `/webhook`. `base` is where Label Studio's own pictures are. */
export function addLabelStudio(app: FastifyInstance, ask: Ask, base: string | undefined): void {
  const prompts = new Map<string, string>();
  app.get("/health", { config: { open: true } }, async () => ({ status: "UP", model_class: "Groundling" }));
  app.post("/setup", async ({ body }) => {
    const { schema } = parsedBy(z.object({ schema: z.string() }), jsonOf(bodyOf(body)));
    readLabelConfig(schema);
    return { model_version: VERSION };
  });
  // Nothing is learned from annotations; groundling adapt does that.
  app.post("/webhook", async (_, reply) => reply.code(201).send({ status: "ok" }));
  app.post("/predict", { config: { works: true } }, async ({ body, left, log }) => {
    const { tasks, label_config, project, params } = parsedBy(request, jsonOf(bodyOf(body)));
    const config = readLabelConfig(label_config);
    const prompt = promptOf(prompts, String(project ?? "").split(".", 1)[0]!, params?.context?.result ?? []);
    const results: object[] = [];
    for (const { data } of tasks)
      results.push(await predicted(ask, { config, prompt, picture: data[config.key], base, left, log }));
    return { results };
  });
}

/** The prompt that the user typed, or the last one in the project. */
function promptOf(kept: Map<string, string>, project: string, result: readonly unknown[]): string | undefined {
  for (const region of result) {
    const { data } = prompted.safeParse(region);
    const text = [data?.value.text ?? []].flat().join(" ").trim();
    if (!text) continue;
    kept.delete(project);
    kept.set(project, text);
    if (kept.size > MOST_PROJECTS) kept.delete(kept.keys().next().value!);
  }
  return kept.get(project);
}

interface Prediction {
  readonly config: LabelConfig;
  readonly prompt: string | undefined;
  readonly picture: unknown;
  readonly base: string | undefined;
  readonly left: AbortSignal;
  readonly log: FastifyBaseLogger;
}

async function predicted(ask: Ask, { config, prompt, picture, base, left, log }: Prediction): Promise<object> {
  const classes = prompt === undefined ? [...config.labelOf.keys()] : namesInPrompt(prompt);
  const { threshold } = config;
  const fields = { image: imageOf(picture, base), classes, ...(threshold === undefined ? {} : { threshold }) };
  try {
    const { detections, ...size } = await ask("detect", { fields }, left);
    const result = detections.flatMap((detection) => region(detection, size, config));
    return { result, score: Math.max(0, ...result.map(({ score }) => score)), model_version: VERSION };
  } catch (error) {
    // The other tasks of the batch keep their boxes.
    if (!(error instanceof InputError)) throw error;
    log.warn({ problem: error.message }, "a task has no boxes");
    return { result: [], score: 0, model_version: VERSION };
  }
}

function imageOf(picture: unknown, base: string | undefined): { base64: string } | { url: string } {
  const text = String(picture ?? "");
  if (text.startsWith("data:")) return { base64: text };
  return { url: base !== undefined && URL.canParse(text, base) ? new URL(text, base).href : text };
}

type Detection = AnswerOf<"detect">["detections"][number];

/** A region in percent of the picture, with a configured label; none for a name that no label has. */
function region(
  { label, score, box }: Detection,
  { width, height }: { width: number; height: number },
  config: LabelConfig,
) {
  const labels = [...new Set(config.labelOf.values())];
  const known = config.labelOf.get(label) ?? labels.find((one) => one.toLowerCase() === label.toLowerCase());
  const chosen = known ?? (labels.length === 1 ? labels[0] : undefined);
  if (chosen === undefined) return [];
  return [
    {
      id: randomUUID().slice(0, 9),
      from_name: config.from,
      to_name: config.to,
      type: "rectanglelabels",
      original_width: width,
      original_height: height,
      image_rotation: 0,
      value: {
        x: (box.xmin / width) * 100,
        y: (box.ymin / height) * 100,
        width: ((box.xmax - box.xmin) / width) * 100,
        height: ((box.ymax - box.ymin) / height) * 100,
        rotation: 0,
        rectanglelabels: [chosen],
      },
      score,
    },
  ];
}
