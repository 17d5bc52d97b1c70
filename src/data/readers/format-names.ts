/** The names of the formats, separate from their readers, which are loaded when needed. */

/** `coco` includes LVIS, Objects365 and ODinW; `captions` is COCO's `captions_*.json`. */
export const formats = ["coco", "captions", "mdetr", "odvg", "yolo", "voc", "flickr30k", "tars"] as const;
/** The name of a dataset format. */
export type Format = (typeof formats)[number];
