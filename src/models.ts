/** `groundling/models`: models as layers with names and shapes, without numbers. */

export * from "./models/clip/clip.ts";
export { clipPresets } from "./models/clip/clip-presets.ts";
export * from "./models/dynamic-head/dynamic-head.ts";
export * from "./models/glip/glip.ts";
export { glipPresets } from "./models/glip/glip-presets.ts";
export { inferConfig } from "./models/glip/infer-config.ts";
