/** The worker thread of a model of the service. */

import { InputError } from "../../../errors.ts";
import type { Service } from "../../../files/open-worker.ts";
import { families, isDetector } from "../../../models/families.ts";
import { locateModel } from "../../../tasks/loading/locate.ts";
import { openEncoder } from "./encoder-tasks.ts";
import { openFinder } from "./finder-tasks.ts";
import type { ModelFacts, ModelSetup, Outcome, Task, TaskModel } from "./task.ts";

/** Tasks in order, or what the model can do. */
export type WorkerRequest = { readonly tasks: readonly Task[] } | "facts";
export type WorkerAnswer = { readonly outcomes: readonly Outcome[] } | { readonly facts: ModelFacts };

export async function open(setup: ModelSetup): Promise<Service<WorkerRequest, WorkerAnswer>> {
  const model = await openTaskModel(setup);
  const { operations, adapted } = model;
  return {
    answer: async (request) =>
      request === "facts" ? { facts: { operations, adapted } } : { outcomes: await model.run(request.tasks) },
    dispose: () => model.dispose(),
  };
}

async function openTaskModel(setup: ModelSetup): Promise<TaskModel> {
  const { offline = false } = setup.loading;
  const { type, file } = await locateModel(setup.model, undefined, { offline });
  await file?.close();
  if (type === "clip") return openEncoder(setup);
  const { title, capabilities } = families[type];
  if (isDetector(type)) return openFinder(setup, capabilities.includes("ground"));
  throw new InputError(`${setup.model}: is a ${title} model, which the service cannot run; give a detector or a CLIP`);
}
