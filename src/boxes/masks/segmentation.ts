/** A COCO `segmentation` field in any of its forms, as run lengths. */
import { rasterise } from "./polygons.ts";
import { expandRuns, type RunLengths } from "./run-lengths.ts";

/** Polygon parts in pixels, or run lengths, plain or compressed, with `size` = [height, width]. */
export type Segmentation = number[][] | { size: [number, number]; counts: number[] | string };

/** Reads a segmentation; `size` is that of the picture, which polygons need. @throws InputError on malformed run lengths. */
export function readSegmentation(segmentation: Segmentation, size: { height: number; width: number }): RunLengths {
  if (Array.isArray(segmentation)) return rasterise(segmentation, size.height, size.width);
  const [height, width] = segmentation.size;
  const { counts } = segmentation;
  return { height, width, counts: typeof counts === "string" ? expandRuns(counts) : Uint32Array.from(counts) };
}
