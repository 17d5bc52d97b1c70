/** `groundling/data`: datasets of every known format, generated scenes, and seeded random numbers. */

export { Random } from "./data/random.ts";
export * from "./data/readers/dataset.ts";
export * from "./data/readers/formats.ts";
export { Problems } from "./data/readers/problems.ts";
export * from "./data/scenes/index.ts";
