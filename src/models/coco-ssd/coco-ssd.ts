/**
 * COCO-SSD: SSD (Liu et al. 2016) on MobileNetV2 with separable heads, as TensorFlow's object detection API trained it on COCO
 * (`ssdlite_mobilenet_v2_coco`), with batch norms merged into convolutions. A detector of fixed classes, for inference only.
 */

import type { PicturePreparation } from "../../inputs/pictures/preparation.ts";
import type { Size } from "../../inputs/pictures/resize.ts";
import { type ParameterInfo, Scope } from "../../nn/index.ts";
import { concat, reshape, type Tensor, transpose } from "../../tensor/index.ts";
import { glipPictures } from "../parts/glip-pictures.ts";
import { MOBILE_NET_CHANNELS, mobileNet, relu6, sameConvolution } from "../parts/mobile-net.ts";

/** Side of the square to which pictures are resized: the multiple of 32 nearest to 300, its size in training. */
export const SSD_SIDE = 320;
/** The normalisation of GLIP's pictures, which the first model folder with a companion used. */
export const ssdPictures: PicturePreparation<Size> = { ...glipPictures, size: { width: SSD_SIDE, height: SSD_SIDE } };
/** Channels inside and after each of the layers after the body; each layer has half the side of the one before. */
const EXTRAS = [
  [256, 512],
  [128, 256],
  [128, 256],
  [64, 128],
] as const;
/** Sides of the maps with predictions: strides 16 and 32, and the extra layers. */
const SIDES = [SSD_SIDE / 16, SSD_SIDE / 32, 5, 3, 2, 1] as const;
/** Widths of the anchors over their heights. */
const RATIOS = [1, 2, 0.5, 3, 1 / 3] as const;
/** Sides of the anchors of each map as fractions of the picture's side, with one more at the end. */
const SCALES = [0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1] as const;

/** Width and height of the anchors at one position of a map, as fractions of the picture's. */
const SHAPES = SIDES.map((_, map) => {
  const scale = SCALES[map]!;
  const shape = (side: number, ratio: number) => [side * Math.sqrt(ratio), side / Math.sqrt(ratio)] as const;
  if (map === 0) return [shape(0.1, 1), shape(scale, 2), shape(scale, 0.5)];
  return [...RATIOS.map((ratio) => shape(scale, ratio)), shape(Math.sqrt(scale * SCALES[map + 1]!), 1)];
});

export interface CocoSsd {
  readonly parameters: readonly ParameterInfo[];
  /**
   * The outputs for a picture [1,3,SSD_SIDE,SSD_SIDE] prepared by `ssdPictures`: logits [a, classes] and box offsets [4,a] (dx, dy, dw, dh)
   * from the anchors of `ssdAnchors`.
   */
  answer(square: Tensor): { logits: Tensor; offsets: Tensor };
}

/** The graph of a COCO-SSD with a number of classes. */
export function cocoSsd(classes: number): CocoSsd {
  const s = new Scope();
  const body = mobileNet(s.at("body"));
  const [, middle, last] = MOBILE_NET_CHANNELS;
  const channels: number[] = [middle, last];
  const extras = EXTRAS.map(([narrow, wide], i) => {
    const at = s.at(`extras.${i}`);
    const reduce = sameConvolution(at.at("reduce"), channels.at(-1)!, narrow, { kernel: 1 });
    const shrink = sameConvolution(at.at("depthwise"), narrow, narrow, { kernel: 3, stride: 2, groups: narrow });
    const widen = sameConvolution(at.at("widen"), narrow, wide, { kernel: 1 });
    channels.push(wide);
    return (x: Tensor) => relu6(widen(relu6(shrink(relu6(reduce(x))))));
  });
  const heads = SHAPES.map((shapes, map) => {
    const head = (name: string, numbers: number) => {
      const at = s.at(`heads.${map}.${name}`);
      const wide = channels[map]!;
      const spread = sameConvolution(at.at("depthwise"), wide, wide, { kernel: 3, groups: wide });
      const tell = sameConvolution(at.at("tell"), wide, shapes.length * numbers, { kernel: 1 });
      return (x: Tensor) => tell(relu6(spread(x)));
    };
    return { classes: head("classes", classes), boxes: head("boxes", 4) };
  });

  const answer = s.layer((square: Tensor) => {
    const [, c4, c5] = body(square);
    const maps = [c4!, c5!];
    for (const extra of extras) maps.push(extra(maps.at(-1)!));
    const found = maps.map((map, i) => {
      const anchors = SHAPES[i]!.length;
      const places = SIDES[i]! ** 2;
      const logits = transpose(reshape(heads[i]!.classes(map), [anchors, classes, places]), [2, 0, 1]);
      const offsets = transpose(reshape(heads[i]!.boxes(map), [anchors, 4, places]), [1, 2, 0]);
      return { logits: reshape(logits, [places * anchors, classes]), offsets: reshape(offsets, [4, places * anchors]) };
    });
    return {
      logits: concat(
        found.map(({ logits }) => logits),
        0,
      ),
      offsets: concat(
        found.map(({ offsets }) => offsets),
        1,
      ),
    };
  });
  return { parameters: s.parameters, answer };
}

/** Anchors xyxy [a,4] with inclusive ends, in pixels of a picture of `height` × `width`, ordered by map, position and shape. */
export function ssdAnchors(height: number, width: number): Float32Array {
  const anchors: number[] = [];
  SIDES.forEach((side, map) => {
    for (let place = 0; place < side * side; place++) {
      const x = ((place % side) + 0.5) / side;
      const y = (Math.floor(place / side) + 0.5) / side;
      for (const [w, h] of SHAPES[map]!)
        anchors.push((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width - 1, (y + h / 2) * height - 1);
    }
  });
  return Float32Array.from(anchors);
}

/** For each anchor, the index of its mirror image when the picture is mirrored left to right. */
export function ssdMirror(): Int32Array {
  const mirror: number[] = [];
  SIDES.forEach((side, map) => {
    const first = mirror.length;
    const shapes = SHAPES[map]!.length;
    for (let place = 0; place < side * side; place++) {
      const column = place % side;
      const opposite = place - column + side - 1 - column;
      for (let shape = 0; shape < shapes; shape++) mirror.push(first + opposite * shapes + shape);
    }
  });
  return Int32Array.from(mirror);
}
