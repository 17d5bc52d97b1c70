/** RegionCLIP's row in the table of families. */

import type { Family } from "../parts/family.ts";
import { inferRegionClipConfig, isRegionClip, regionClipExtras } from "./infer-region-clip-config.ts";
import type { RegionClipConfig } from "./region-clip.ts";

export const regionClipFamily = {
  title: "RegionCLIP",
  capabilities: ["detect", "regions"],
  published: {
    mayBeUnused: regionClipExtras,
    recognises: isRegionClip,
    configOf: inferRegionClipConfig,
  },
} satisfies Family<RegionClipConfig>;
