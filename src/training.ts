/** `groundling/training`: optimizers, schedules, the training loop and its checkpoints, and recipes. */

export { type Recipe, readRecipe } from "./apps/training/recipe.ts";
export { type RunOptions, runRecipe } from "./apps/training/run.ts";
export type { RandomState } from "./data/random.ts";
export { Random } from "./data/random.ts";
export { RecipeError } from "./errors.ts";
export * from "./learning/adamw.ts";
export * from "./learning/batch-source.ts";
export { type Checkpoint, readCheckpoint, type Shapes, writeCheckpoint } from "./learning/checkpoint.ts";
export { DivergenceError } from "./learning/divergence.ts";
export type { Json, Restorable } from "./learning/json.ts";
export type { ArrayTask } from "./learning/kernels.ts";
export * from "./learning/optimizer.ts";
export * from "./learning/parameter-groups.ts";
export type { Ranks } from "./learning/ranks.ts";
export * from "./learning/schedules.ts";
export * from "./learning/sgd.ts";
export * from "./learning/train.ts";
export * from "./learning/training-listener.ts";
