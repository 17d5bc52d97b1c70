/** `groundling/data`: datasets of every known format, generated scenes, and seeded random numbers. */

export type { Segmentation } from "./boxes/masks/segmentation.ts";
export { Random, type RandomState } from "./data/random.ts";
export type { Id } from "./data/readers/coco-records.ts";
export * from "./data/readers/dataset.ts";
export type { Format } from "./data/readers/format-names.ts";
export type { FormatRow, FoundSet, ReadOptions, WrittenFiles, WrittenPart } from "./data/readers/format-row.ts";
export * from "./data/readers/formats.ts";
export type { JsonPath } from "./data/readers/json.ts";
export { type Place, type Problem, Problems } from "./data/readers/problems.ts";
export type { DownstreamOptions } from "./data/scenes/downstream.ts";
export type { Look } from "./data/scenes/effects.ts";
export * from "./data/scenes/index.ts";
export type { Sprite } from "./data/scenes/sprites.ts";
