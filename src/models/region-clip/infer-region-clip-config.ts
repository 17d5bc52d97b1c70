/** Infers a RegionCLIP's configuration from the names and shapes of a published file's tensors. */

import { WeightsError } from "../../errors.ts";
import type { LocaliserConfig } from "./localiser.ts";
import type { RegionClipConfig } from "./region-clip.ts";

type Shapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

const OBJECTNESS = "proposal_generator.rpn_head.objectness_logits.weight";

/** Whether these are tensors of a RegionCLIP, or of its region proposals alone. */
export function isRegionClip(entries: Shapes): boolean {
  return entries.has("backbone.attnpool.c_proj.bias") || entries.has(OBJECTNESS);
}

/** Throws `WeightsError` when the tensors are not those of a RegionCLIP. */
export function inferRegionClipConfig(entries: Shapes, source: string): RegionClipConfig {
  const shape = (name: string): readonly number[] => {
    const entry = entries.get(name);
    if (!entry && entries.has(OBJECTNESS))
      throw new WeightsError(
        `${source}: holds only region proposals; give a recogniser (regionclip_*.pth) as the model, and this file with --proposals`,
      );
    if (!entry) throw new WeightsError(`${source}: not a RegionCLIP checkpoint: there is no ${name}`);
    return entry.shape;
  };
  const count = (name: (i: number) => string): number => {
    let i = 0;
    while (entries.has(name(i))) i++;
    return i;
  };
  const [first, second, third, fourth] = [1, 2, 3, 4].map((stage) =>
    count((i) => `backbone.layer${stage}.${i}.conv1.weight`),
  ) as [number, number, number, number];
  const masks = entries.has("roi_heads.mask_head.deconv.bias");
  return {
    embedding: shape("backbone.attnpool.c_proj.bias")[0]!,
    recogniser: {
      blocks: [first, second, third, fourth] as const,
      width: shape("backbone.layer1.0.conv1.weight")[0]!,
      side: Math.round(Math.sqrt(shape("backbone.attnpool.positional_embedding")[0]! - 1)),
    },
    boxOutputs: entries.get("roi_heads.box_predictor.bbox_pred.bias")?.shape[0] ?? 4,
    ...(masks
      ? {
          masks: {
            channels: shape("roi_heads.mask_head.deconv.bias")[0]!,
            classes: shape("roi_heads.mask_head.predictor.bias")[0]!,
          },
        }
      : {}),
    ...(entries.has(`offline_${OBJECTNESS}`) ? { localiser: inferLocaliser(entries, shape) } : {}),
  };
}

function inferLocaliser(entries: Shapes, shape: (name: string) => readonly number[]): LocaliserConfig {
  const pyramid = entries.get("offline_backbone.fpn_lateral2.weight")?.shape[0];
  const body = `offline_backbone.${pyramid === undefined ? "" : "bottom_up."}`;
  const blocks = [2, 3, 4, 5].map((stage) => {
    let i = 0;
    while (entries.has(`${body}res${stage}.${i}.conv1.weight`)) i++;
    return i;
  });
  return {
    stem: shape(`${body}stem.conv1.weight`)[0]!,
    channels: shape(`${body}res2.0.conv3.weight`)[0]!,
    blocks: blocks.slice(0, pyramid === undefined ? 3 : 4),
    ...(pyramid === undefined ? {} : { pyramid }),
    jittered: entries.has("offline_backbone.fpn_lateral2.norm.weight"),
  };
}

/**
 * Tensors of published files that are not parameters of `regionClip`: class vectors, the text encoder, the teacher, counters and anchors.
 */
export const regionClipExtras =
  /num_batches_tracked$|cell_anchors|^lang_encoder\.|^teacher|^logit_scale$|box_predictor\.(cls_score|cls_bg_score|test_cls_score)\./;

/** Renames a file of proposals as part of a detector: its two networks get their names next to a recogniser. */
export function asLocaliser(name: string): string | undefined {
  return /^(backbone|proposal_generator)\./.test(name) ? `offline_${name}` : undefined;
}
