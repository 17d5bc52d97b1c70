/** What an adaptation is asked for. */

import type { SourceFiles } from "../../data/training/sources.ts";
import type { SizeRule } from "../../inputs/pictures/preparation.ts";
import type { ClassPrompt } from "../../inputs/words/prompts.ts";
import type { MemoryEstimate } from "../../learning/memory-estimate.ts";
import type { CheckpointOptions } from "../../learning/train.ts";
import type { TrainingListener } from "../../learning/training-listener.ts";
import type { Device } from "../../onnx/devices.ts";
import type { Method } from "./methods.ts";

export interface AdaptationRequest {
  method: Method;
  /** Training annotations. */
  train: SourceFiles;
  /** Validation annotations. Their average precision decides when the learning rate falls, when to stop, and which weights are kept. */
  valid?: SourceFiles;
  /** Whether the tuned vectors replace the words' features instead of being added to them. The detections are the same. */
  inPlace?: boolean;
  /** Prompts for some classes, by their labels; the other classes use their names. */
  captions?: readonly ClassPrompt[];
  /** Training pictures per class, chosen by the seed. Default: all. */
  shots?: number;
  /** Default: 10, as in GLIP's recipe. */
  seed?: number;
  /** Maximum number of steps. Default: 200 epochs with `valid`, which usually stops sooner, and 100 steps without. */
  steps?: number;
  /** Instead of `steps`: maximum number of passes over the training pictures. */
  epochs?: number;
  /** Default: depends on the method. */
  learningRate?: number;
  weightDecay?: number;
  /** Regular expressions for names of parameters that are not trained. Default: the first layers of a Swin. */
  frozen?: readonly string[];
  /** Pictures per batch. Default: 4. */
  pictures?: number;
  /**
   * Parts of a batch computed at once, each on a core of its own; with several, batches are also composed ahead in a thread. The exact bits
   * depend on this number, and not on the machine's cores. Default: 2 for full and adapters on the CPU, else 1: for methods that train
   * little, handing over costs as much as it gains.
   */
  shards?: number;
  /** Sides of the resized pictures. Default: the model's own. */
  size?: SizeRule;
  /** Annotations to train on as well, so that the model forgets less. */
  replay?: SourceFiles;
  /** Replay pictures per picture of the dataset. Default: 1. */
  replayWeight?: number;
  listeners?: readonly TrainingListener[];
  /** Where the model is trained and scored (default: cpu). */
  device?: Device;
  /** Called before training with an estimate of its memory. */
  memory?: (estimate: MemoryEstimate) => void;
  /** Where to write checkpoints, from which a run can be resumed with the same bits. */
  checkpoints?: Omit<CheckpointOptions, "shapes" | "recipe">;
  /** Saves and returns after the current step. */
  signal?: AbortSignal;
}

/** The parts of a batch, with their default. */
export function shardsOf({ shards, method, device = "cpu" }: AdaptationRequest): number {
  return shards ?? (device === "cpu" && (method === "full" || method === "adapters") ? 2 : 1);
}
