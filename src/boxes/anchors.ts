/** One square anchor per place of each feature map. Source: GLIP `modeling/rpn/anchor_generator.py`. */

/** Picture pixels per step of the five feature maps P3 to P7; an anchor is eight steps wide. */
export const STRIDES = [8, 16, 32, 64, 128] as const;

export interface Level {
  readonly height: number;
  readonly width: number;
  readonly stride: number;
}

/** Sizes of the feature maps P3 to P7 of a padded picture of `height` × `width` pixels: each rounds up. */
export function levelsOf(height: number, width: number): Level[] {
  return STRIDES.map((stride) => ({ height: Math.ceil(height / stride), width: Math.ceil(width / stride), stride }));
}

/** Anchors of all levels of a padded picture, xyxy [a,4]. */
export function anchorsOf(height: number, width: number): Float32Array[] {
  return levelsOf(height, width).map((level) => anchorsOfLevel(level));
}

/**
 * Anchors xyxy [height · width, 4] of one feature map, row by row, in pixels of the padded picture with inclusive ends:
 * the cell `(stride − 1)/2 ± (size − 1)/2`, moved by the stride.
 */
export function anchorsOfLevel({ height, width, stride }: Level, size = 8 * stride): Float32Array {
  const low = (stride - size) / 2;
  const high = (stride + size) / 2 - 1;
  const anchors = new Float32Array(4 * height * width);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      anchors[at++] = x * stride + low;
      anchors[at++] = y * stride + low;
      anchors[at++] = x * stride + high;
      anchors[at++] = y * stride + high;
    }
  }
  return anchors;
}
