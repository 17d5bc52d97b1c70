/** CLIP's row in the table of families. */

import type { Family } from "../parts/family.ts";
import type { ClipConfig } from "./clip.ts";
import { isHuggingFaceClip, withOpenAiNames } from "./hugging-face-clip.ts";
import { clipExtras, inferClipConfig, isClip } from "./infer-clip-config.ts";

export const clipFamily = {
  title: "CLIP",
  capabilities: ["classify", "embed", "regions"],
  published: {
    mayBeUnused: clipExtras,
    recognises: (entries) => isClip(entries) || isHuggingFaceClip(entries),
    underOwnNames: (file) => (isHuggingFaceClip(file.entries) ? withOpenAiNames(file) : file),
    configOf: inferClipConfig,
  },
} satisfies Family<ClipConfig>;
