/** Tasks of a detector: finding by names or captions, masks, answers and descriptions. */

import { InputError, WeightsError } from "../../../errors.ts";
import { plainError } from "../../../files/plain-error.ts";
import type { RawPicture } from "../../../inputs/pictures/picture-source.ts";
import { isGlipV2 } from "../../../models/glip-v2/glip-v2.ts";
import { readAdapted } from "../../../tasks/finding/adapted-file.ts";
import type { AdaptedPrompt } from "../../../tasks/finding/adapted-prompt.ts";
import type { GroundingModel } from "../../../tasks/finding/grounding-model.ts";
import { loadModelFor } from "../../../tasks/finding/load-model.ts";
import type { OperationName } from "../api/schemas.ts";
import { type FieldsOf, type ModelSetup, type Outcome, pictureOf, type Task, type TaskModel } from "./task.ts";

type FinderOperation = Exclude<OperationName, "classify" | "embed">;
type Actions = {
  readonly [Name in FinderOperation]: (picture: RawPicture, fields: FieldsOf<Name>) => Promise<object>;
};

/** Loads a detector and warms it up. */
export async function openFinder(setup: ModelSetup, canGround: boolean): Promise<TaskModel> {
  const model = await loadModelFor("detect", setup.model, setup.loading);
  const operations = operationsOf(model, canGround);
  const adapted = await fittingPrompts(model, setup.adapted);
  await model.detect(GRAY, ["person"], { threshold: 1 }).catch((error: unknown) => {
    // A detector with fixed classes does not know the name.
    if (!(error instanceof InputError)) throw error;
  });
  const actions = actionsOf(model, adapted);
  return {
    operations,
    adapted: [...adapted.keys()],
    run: (tasks) => inOrder(tasks, setup.maxPixels, actions),
    dispose: () => model.dispose(),
  };
}

/** The picture that models are warmed up with. */
const GRAY: RawPicture = { data: new Uint8Array(64 * 64).fill(128), width: 64, height: 64, channels: 1 };

function operationsOf({ predictor: { model } }: GroundingModel, canGround: boolean): FinderOperation[] {
  const heads = isGlipV2(model) ? model : undefined;
  return [
    "detect" as const,
    ...(canGround ? (["ground"] as const) : []),
    ...(heads?.masks ? (["segment"] as const) : []),
    ...(heads?.answering ? (["answer"] as const) : []),
    ...(heads?.captions ? (["describe"] as const) : []),
  ];
}

/** The adapted prompts that were made for this model; each is run once. */
async function fittingPrompts(
  model: GroundingModel,
  files: ModelSetup["adapted"],
): Promise<ReadonlyMap<string, AdaptedPrompt>> {
  const fitting = new Map<string, AdaptedPrompt>();
  for (const { name, path } of files) {
    const { prompt } = await readAdapted(path);
    if (!prompt)
      throw new InputError(`${path}: holds adapters; the service takes prompts (groundling adapt --method prompt)`);
    try {
      await model.detect(GRAY, prompt);
      fitting.set(name, prompt);
    } catch (error) {
      // Made for another model of the service.
      if (!(error instanceof WeightsError)) throw error;
    }
  }
  return fitting;
}

function actionsOf(model: GroundingModel, adapted: ReadonlyMap<string, AdaptedPrompt>): Actions {
  const wanted = ({ classes, prompt, adapted: name }: FieldsOf<"detect">) =>
    name === undefined ? (prompt ?? classes)! : adapted.get(name)!;
  const remarks = ({ classes, prompt }: FieldsOf<"detect">) =>
    prompt === undefined && classes === undefined ? [] : model.remarks((prompt ?? classes)!);
  return {
    detect: async (picture, fields) => ({
      detections: await model.detect(picture, wanted(fields), defined(fields)),
      ...noted(remarks(fields)),
    }),
    ground: async (picture, { caption, ...options }) => ({
      detections: await model.ground(picture, caption, defined(options)),
      ...noted(model.captionRemarks(caption, defined(options))),
    }),
    segment: async (picture, fields) => ({
      detections: await model.segment(picture, wanted(fields), defined(fields)),
      ...noted(remarks(fields)),
    }),
    answer: (picture, { question, ground = false }) => model.answer(picture, question, { ground }),
    describe: (picture, options) => model.describe(picture, defined(options)),
  };
}

/** Does the tasks in order, and decodes the next picture in the meantime. */
async function inOrder(tasks: readonly Task[], maxPixels: number, actions: Actions): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const decoded = (task: Task | undefined) => {
    const picture = task && pictureOf(task, maxPixels);
    // A failure is reported when it is the task's turn.
    picture?.catch(() => {});
    return picture;
  };
  let next = decoded(tasks[0]);
  for (const [i, { operation, fields }] of tasks.entries()) {
    try {
      const picture = await next!;
      next = decoded(tasks[i + 1]);
      const act = actions[operation as FinderOperation] as (picture: RawPicture, fields: object) => Promise<object>;
      const { width, height } = picture;
      outcomes.push({ answer: { ...(await act(picture, fields)), width, height } });
    } catch (error) {
      next = decoded(tasks[i + 1]);
      outcomes.push({ error: plainError(error) });
    }
  }
  return outcomes;
}

/** The fields without those that are undefined. */
function defined<Fields extends object>(fields: Fields): { [Name in keyof Fields]: Exclude<Fields[Name], undefined> } {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as { [Name in keyof Fields]: Exclude<Fields[Name], undefined> };
}

function noted(remarks: readonly string[]): { remarks?: readonly string[] } {
  return remarks.length ? { remarks } : {};
}
