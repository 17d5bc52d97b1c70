/** GLIPv2's row in the table of families. */

import { glipFamily } from "../glip/family.ts";
import type { DetectorFamily } from "../parts/family.ts";
import { type GlipV2Config, glipV2 } from "./glip-v2.ts";

const { vocabulary, published, ...shared } = glipFamily;

export const glipV2Family = {
  ...shared,
  title: "GLIPv2",
  kind: "glip-v2",
  configKey: "glip_v2",
  capabilities: ["detect", "ground", "segment", "answer", "describe", "export", "inspect"],
  detector: glipV2,
} satisfies DetectorFamily<GlipV2Config>;
