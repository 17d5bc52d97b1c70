/** Tasks of a CLIP: classes and vectors. The pictures of several tasks are computed as one batch. */

import { InputError } from "../../../errors.ts";
import { plainError } from "../../../files/plain-error.ts";
import type { RawPicture } from "../../../inputs/pictures/picture-source.ts";
import type { Encoder } from "../../../tasks/classifying/encoder.ts";
import { loadEncoder } from "../../../tasks/classifying/load-encoder.ts";
import { type ModelSetup, type Outcome, pictureOf, type Task, type TaskModel } from "./task.ts";

const DEFAULT_TOP = 5;

/** Loads a CLIP and warms it up. */
export async function openEncoder(setup: ModelSetup): Promise<TaskModel> {
  const encoder = await loadEncoder(setup.model, setup.loading);
  await encoder.classVectors(["thing"]);
  await encoder.embedImage([{ data: new Uint8Array(64 * 64), width: 64, height: 64, channels: 1 }]);
  return {
    operations: ["classify", "embed"],
    adapted: [],
    run: (tasks) => inOneBatch(encoder, tasks, setup.maxPixels),
    dispose: () => encoder.dispose(),
  };
}

interface Prepared {
  readonly size: Pick<RawPicture, "width" | "height">;
  readonly numbers: Float32Array;
}

async function inOneBatch(encoder: Encoder, tasks: readonly Task[], maxPixels: number): Promise<Outcome[]> {
  const prepared: (Prepared | undefined | { error: unknown })[] = [];
  for (const task of tasks) prepared.push(await preparedPicture(encoder, task, maxPixels));
  const pictures = prepared.filter((one): one is Prepared => one !== undefined && "numbers" in one);
  const vectors = await encoder.embedPrepared(pictures.map(({ numbers }) => numbers));
  const vectorOf = new Map(pictures.map((picture, i) => [picture, vectors[i]!]));
  const outcomes: Outcome[] = [];
  for (const [i, task] of tasks.entries()) {
    const own = prepared[i];
    try {
      if (own && "error" in own) throw own.error;
      outcomes.push({ answer: await answered(encoder, task, own && { vector: vectorOf.get(own)!, ...own.size }) });
    } catch (error) {
      outcomes.push({ error: plainError(error) });
    }
  }
  return outcomes;
}

async function preparedPicture(
  encoder: Encoder,
  task: Task,
  maxPixels: number,
): Promise<Prepared | undefined | { error: unknown }> {
  if (!task.picture) return undefined;
  try {
    const picture = await pictureOf(task, maxPixels);
    const { width, height } = picture;
    return { size: { width, height }, numbers: await encoder.prepareImage(picture) };
  } catch (error) {
    return { error };
  }
}

async function answered(
  encoder: Encoder,
  task: Task,
  picture: { vector: Float32Array; width: number; height: number } | undefined,
): Promise<object> {
  const { vector, ...size } = picture ?? { vector: undefined };
  if (task.operation === "embed") {
    const texts = await encoder.embedText(task.fields.texts ?? [], { long: "refuse" });
    return { ...(vector ? { image: [...vector], ...size } : {}), texts: texts.map((one) => [...one]) };
  }
  if (task.operation !== "classify" || !vector) throw new InputError("there is no picture; give image");
  const { labels, templates, top = DEFAULT_TOP } = task.fields;
  const classes = await encoder.classVectors(labels, templates ? { templates } : {});
  return { classes: encoder.rank(vector, labels, classes).slice(0, top), ...size };
}
