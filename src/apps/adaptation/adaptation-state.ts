/** The state of a running adaptation, and how it is resumed. */

import { resolve } from "node:path";
import type { SourceFiles } from "../../data/training/sources.ts";
import { InputError, RecipeError } from "../../errors.ts";
import { checkpointExists, readCheckpoint, readCheckpointState } from "../../learning/checkpoint.ts";
import { copyNumbers } from "../../learning/ema.ts";
import type { Json, Restorable } from "../../learning/json.ts";
import type { NamedArrays } from "../../learning/optimizer.ts";
import { type CheckpointOptions, checkpointFile } from "../../learning/train.ts";
import type { TrainingListener } from "../../learning/training-listener.ts";
import { baseOf } from "../../tasks/finding/base-digest.ts";
import type { StoredModel } from "../../tasks/finding/model-folder.ts";
import { type AdaptationRequest, shardsOf } from "./adaptation-request.ts";

/** The best numbers so far and the seconds of training. Give it to `train` twice: as a listener and as a restorable. */
export class AdaptationState implements TrainingListener, Restorable {
  /** The numbers of the best evaluation; before the first evaluation, the run's numbers. */
  best: NamedArrays;
  readonly checkpoints: CheckpointOptions | undefined;
  private earlier = 0;
  private began = performance.now();

  constructor(
    private readonly numbers: NamedArrays,
    request: AdaptationRequest,
    base: StoredModel,
  ) {
    this.best = numbers;
    this.checkpoints = request.checkpoints && { ...request.checkpoints, recipe: settingsOf(request, base) };
  }

  /** Seconds of training, over all resumed runs. */
  get seconds(): number {
    return this.earlier + (performance.now() - this.began) / 1000;
  }

  /** Restores the state that `train` does not restore. Throws InputError if the folder contains a run with other settings. */
  async resume(): Promise<void> {
    if (!this.checkpoints?.resume) return;
    const { folder, recipe } = this.checkpoints;
    const last = checkpointFile(folder, "last");
    if (!(await checkpointExists(last))) return;
    const state = await readCheckpointState(last);
    const differing = differences(state.recipe, recipe);
    if (differing.length > 0)
      throw new InputError(
        `${folder} contains a run with another ${differing.join(", ")}; give the same options as before, or another folder with --out`,
      );
    if (state.best !== null) this.best = (await readCheckpoint(checkpointFile(folder, "best"))).weights;
  }

  started(): void {
    this.began = performance.now();
  }

  evaluated({ best }: { best: boolean }): void {
    if (best) this.best = copyNumbers(this.numbers);
  }

  save(): Json {
    return this.seconds;
  }

  restore(state: Json): void {
    if (typeof state !== "number")
      throw new RecipeError("the checkpoint does not belong to an adaptation; start a new run");
    this.earlier = state;
  }
}

/** All settings that affect the result, by the names of the options. */
function settingsOf(request: AdaptationRequest, base: StoredModel): { [name: string]: Json } {
  const { digest } = baseOf(base);
  const { method, train, valid, inPlace, captions, shots, seed, steps, epochs } = request;
  const { learningRate, weightDecay, frozen, pictures, size = base.preparation.size, replay, replayWeight } = request;
  const shards = shardsOf(request);
  const settings = {
    ...{ model: digest, data: filesOf(train), valid: valid && filesOf(valid), replay: replay && filesOf(replay) },
    ...{ method, inPlace, captions, shots, seed, steps, epochs, learningRate, weightDecay, frozen, pictures, size },
    replayWeight,
    shards,
  };
  return JSON.parse(JSON.stringify(settings));
}

function filesOf({ data, images }: SourceFiles): string[] {
  return [data, ...(images === undefined ? [] : [images])].map((path) => resolve(path));
}

/** Names of the settings that differ. */
function differences(before: Json | undefined, now: Json | undefined): string[] {
  const [a, b] = [before, now].map((value) => new Map(Object.entries(value ?? {})));
  const names = [...new Set([...a!.keys(), ...b!.keys()])];
  return names.filter((name) => JSON.stringify(a!.get(name)) !== JSON.stringify(b!.get(name)));
}
