/** The models of the service by name. */

import { InputError } from "../../../errors.ts";
import type { OperationName } from "../api/schemas.ts";
import { type ModelPool, openPool } from "./model-pool.ts";
import type { ServiceSettings } from "./settings.ts";
import type { ModelFacts } from "./task.ts";

export interface ServedModel extends ModelFacts {
  readonly name: string;
  readonly pool: ModelPool;
}

export interface ServedModels {
  readonly models: readonly ServedModel[];
  /**
   * The named model, or the first that can do the operation with the adapted prompt. Throws InputError that lists what there is.
   */
  choose(operation: OperationName, wanted: { model?: string | undefined; adapted?: string | undefined }): ServedModel;
  close(): Promise<void>;
}

/** Loads the models. Throws the errors of loading, and InputError for a prompt that fits no model. */
export async function openModels(
  { models, adapted, loading, workers, limits, module }: ServiceSettings,
  onEnded: (model: string, error: Error) => void = () => {},
): Promise<ServedModels> {
  const opened: ServedModel[] = [];
  const close = async () => {
    await Promise.all(opened.map(({ pool }) => pool.close()));
  };
  try {
    for (const { name, path } of models) {
      const setup = { model: path, adapted, loading, maxPixels: limits.pixels };
      const ended = (error: Error) => onEnded(name, error);
      const pool = await openPool({ name, workers, setup, onEnded: ended, ...(module ? { module } : {}) });
      opened.push({ name, pool, ...pool.facts });
    }
    const alone = adapted.find(({ name }) => !opened.some((model) => model.adapted.includes(name)));
    if (alone)
      throw new InputError(
        `${alone.path}: the adapted prompt was made for none of the models; give its model with --model`,
      );
  } catch (error) {
    await close();
    throw error;
  }
  return { models: opened, choose: (operation, wanted) => chosen(opened, operation, wanted), close };
}

function chosen(
  models: readonly ServedModel[],
  operation: OperationName,
  { model: name, adapted }: { model?: string | undefined; adapted?: string | undefined },
): ServedModel {
  const named = name === undefined ? models : models.filter((model) => model.name === name);
  if (named.length === 0)
    throw new InputError(`there is no model ${name}; the models are ${models.map((model) => model.name).join(", ")}`);
  const able = named.filter(({ operations }) => operations.includes(operation));
  if (able.length === 0) throw new InputError(cannot(operation, named));
  const fitting = adapted === undefined ? able : able.filter((model) => model.adapted.includes(adapted));
  const [first] = fitting;
  if (first) return first;
  const known = able.flatMap((model) => model.adapted).join(", ");
  throw new InputError(
    `there is no adapted prompt ${adapted} for this model; ${known ? `there are ${known}` : "it has none"}`,
  );
}

function cannot(operation: OperationName, models: readonly ServedModel[]): string {
  const can = models.map(({ name, operations }) => `${name} can ${operations.join(", ")}`).join("; ");
  return `no model of this service can ${operation}; ${can}`;
}
