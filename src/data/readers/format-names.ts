/** The names of the formats, apart from their readers, which are loaded when they are needed. */

/** coco stands for LVIS, Objects365 and ODinW as well; captions are COCO's `captions_*.json`. */
export const formats = ["coco", "captions", "mdetr", "odvg", "yolo", "voc", "flickr30k", "tars"] as const;
/** The name of a dataset format. */
export type Format = (typeof formats)[number];
