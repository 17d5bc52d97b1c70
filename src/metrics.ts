/** `groundling/metrics`: scores as plain functions of arrays. */

export * from "./metrics/bootstrap.ts";
export * from "./metrics/coco.ts";
export * from "./metrics/flickr30k.ts";
export * from "./metrics/lvis.ts";
export * from "./metrics/odinw.ts";
