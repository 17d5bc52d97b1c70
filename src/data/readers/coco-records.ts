/** COCO's JSON records. LVIS, Objects365 and ODinW use the same. */
import type { Segmentation } from "../../boxes/masks/segmentation.ts";

/** Image ids are numbers or strings; category ids are numbers. */
export type Id = number | string;

/** A picture of COCO's format. */
export interface CocoImage {
  id: Id;
  width?: number;
  height?: number;
  file_name?: string;
}

/** A class of COCO's format. */
export interface CocoCategory {
  id: number;
  name: string;
}

/** An object of COCO's format. */
export interface CocoAnnotation {
  id: number;
  image_id: Id;
  category_id: number;
  /** x, y, width, height. */
  bbox?: number[];
  area: number;
  iscrowd?: number;
  ignore?: number;
  segmentation?: Segmentation;
}

/** A file of annotations in COCO's form. */
export interface CocoGroundTruth {
  images: CocoImage[];
  annotations: CocoAnnotation[];
  categories: CocoCategory[];
}

/** A detection in the form of COCO's result files. */
export interface CocoDetection {
  image_id: Id;
  category_id: number;
  score: number;
  /** x, y, width, height. */
  bbox?: number[];
  segmentation?: Segmentation;
}

/** LVIS adds which categories are absent from an image or not fully annotated, and how frequent a category is. */
export interface LvisGroundTruth extends CocoGroundTruth {
  images: (CocoImage & { neg_category_ids?: number[]; not_exhaustive_category_ids?: number[] })[];
  categories: (CocoCategory & { frequency: "r" | "c" | "f" })[];
}
