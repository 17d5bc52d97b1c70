/** Anchors of several shapes at each position of a map. Source: detectron2 `modeling/anchor_generator.py`. */

import type { Level } from "./anchors.ts";

export interface AnchorShapes {
  /** Square roots of the anchors' areas, in pixels. */
  readonly sizes: readonly number[];
  /** Ratios of height to width. */
  readonly ratios: readonly number[];
}

/**
 * Anchors xyxy [height · width · sizes · ratios, 4] around the corners of the positions, row by row; the outer loop is over sizes, the
 * inner over ratios.
 */
export function gridAnchors({ height, width, stride }: Level, { sizes, ratios }: AnchorShapes): Float32Array {
  const shapes = sizes.flatMap((size) =>
    ratios.map((ratio) => {
      const wide = Math.sqrt((size * size) / ratio);
      return [-wide / 2, (-wide * ratio) / 2, wide / 2, (wide * ratio) / 2].map(Math.fround);
    }),
  );
  const anchors = new Float32Array(4 * height * width * shapes.length);
  let at = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (const shape of shapes)
        for (let side = 0; side < 4; side++) anchors[at++] = (side % 2 ? y : x) * stride + shape[side]!;
  return anchors;
}
