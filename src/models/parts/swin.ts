/** Swin Transformer (Liu et al. 2021) as in GLIP's `backbone/swint.py`; published key names. */

import { convolutionLayer, type Layer, layerNormLayer, linear, type Scope, truncatedNormal } from "../../nn/index.ts";
import {
  add,
  concat,
  constant,
  dropPath,
  gather,
  gelu,
  indices,
  matmul,
  multiply,
  pad,
  reshape,
  roll,
  type Shape,
  slice,
  softmax,
  swapLast,
  type Tensor,
  transpose,
} from "../../tensor/index.ts";

/** Sizes of a Swin Transformer. */
export interface SwinConfig {
  /** Width of the first stage; it doubles from stage to stage. */
  embedDim: number;
  depths: readonly number[];
  heads: readonly number[];
  /** Side of an attention window, in patches. */
  window: number;
  /** Drop path rate of the last block; it increases linearly from 0. */
  dropPathRate: number;
}

/** Pictures [n,3,h,w] to the maps of the last three stages at strides 8, 16 and 32. */
export function swin(s: Scope, config: SwinConfig) {
  const { embedDim, depths, heads, window, dropPathRate } = config;
  const patches = convolutionLayer(s.at("patch_embed.proj"), 3, embedDim, { kernel: 4, stride: 4 });
  const norm = layerNormLayer(s.at("patch_embed.norm"), embedDim);
  const blockCount = depths.reduce((sum, depth) => sum + depth, 0);
  let serial = 0;
  const stages = depths.map((depth, i) => {
    const at = s.at("layers").at(i);
    const width = embedDim * 2 ** i;
    const blocks = Array.from({ length: depth }, (_, j) => {
      const shift = j % 2 === 0 ? 0 : Math.floor(window / 2);
      const dropRate = (dropPathRate * serial++) / Math.max(1, blockCount - 1);
      return swinBlock(at.at("blocks").at(j), { width, heads: heads[i]!, window, shift, dropRate });
    });
    return {
      blocks,
      merge: i + 1 < depths.length ? patchMerging(at.at("downsample"), width) : undefined,
      norm: i > 0 ? layerNormLayer(s.at(`norm${i}`), width) : undefined,
    };
  });

  return s.layer((image: Tensor): Tensor[] => {
    const [n, , height, width] = image.shape as readonly [number, number, number, number];
    const embedded = patches(pad(image, [0, 0, 0, 0], [0, 0, -height & 3, -width & 3]));
    let size = { h: embedded.shape[2]!, w: embedded.shape[3]! };
    let x = norm(transpose(embedded, [0, 2, 3, 1]));
    s.record("swin.patch_embed", transpose(x, [0, 3, 1, 2]));
    const maps: Tensor[] = [];
    stages.forEach((stage, i) => {
      const mask = shiftMask(size, window);
      stage.blocks.forEach((block, j) => {
        x = block(x, mask);
        s.record(`swin.layers.${i}.blocks.${j}`, reshape(x, [n, -1, x.shape[3]!]));
      });
      const map = transpose(stage.norm ? stage.norm(x) : x, [0, 3, 1, 2]);
      s.record(`swin.stage${i + 2}`, map);
      if (i > 0) maps.push(map);
      if (!stage.merge) return;
      x = stage.merge(x);
      size = { h: x.shape[1]!, w: x.shape[2]! };
      s.record(`swin.layers.${i}.downsample`, reshape(x, [n, -1, x.shape[3]!]));
    });
    return maps;
  });
}

export interface SwinBlockConfig {
  width: number;
  heads: number;
  window: number;
  shift: number;
  dropRate: number;
}

/** One block of a stage: maps [n,h,w,c] and the stage's mask of shifted windows to maps of the same size. */
export function swinBlock(s: Scope, { width, heads, window, shift, dropRate }: SwinBlockConfig) {
  const before = layerNormLayer(s.at("norm1"), width);
  const attention = windowAttention(s.at("attn"), width, heads, window);
  const between = layerNormLayer(s.at("norm2"), width);
  const widen = linear(s.at("mlp.fc1"), width, 4 * width);
  const narrow = linear(s.at("mlp.fc2"), 4 * width, width);

  return s.layer((x: Tensor, mask: Tensor): Tensor => {
    const [n, h, w, c] = x.shape as readonly [number, number, number, number];
    const down = Math.ceil(h / window) * window;
    const across = Math.ceil(w / window) * window;
    // The reference pads after the norm, so padded positions have the bias as keys and values and receive attention.
    const padded = pad(before(x), [0, 0, 0, 0], [0, down - h, across - w, 0]);
    const rolled = shift ? roll(roll(padded, -shift, 1), -shift, 2) : padded;
    const windows = reshape(rolled, [n, down / window, window, across / window, window, c]);
    const flat = reshape(transpose(windows, [0, 1, 3, 2, 4, 5]), [n, -1, window * window, c]);
    const attended = attention(flat, shift ? mask : undefined);
    const back = transpose(
      reshape(attended, [n, down / window, across / window, window, window, c]),
      [0, 1, 3, 2, 4, 5],
    );
    const whole = reshape(back, [n, down, across, c]);
    const unrolled = shift ? roll(roll(whole, shift, 1), shift, 2) : whole;
    const cropped = slice(unrolled, { axis: 1, end: h }, { axis: 2, end: w });
    const y = add(x, dropPath(cropped, dropRate));
    return add(y, dropPath(narrow(gelu(widen(between(y)))), dropRate));
  });
}

/** Attention within windows [n, windows, window², c] with a learned bias for each relative position. */
function windowAttention(s: Scope, width: number, heads: number, window: number) {
  const places = window * window;
  const depth = width / heads;
  const table = s.parameter("relative_position_bias_table", [(2 * window - 1) ** 2, heads], truncatedNormal(0.02));
  const together = linear(s.at("qkv"), width, 3 * width);
  const out = linear(s.at("proj"), width, width);
  const relative = relativePositions(window);

  return s.layer((x: Tensor, mask: Tensor | undefined): Tensor => {
    const [n, windows] = x.shape as readonly [number, number, number, number];
    const all = transpose(reshape(together(x), [n * windows, places, 3, heads, depth]), [2, 0, 3, 1, 4]);
    const part = (i: number) =>
      reshape(slice(all, { axis: 0, start: i, end: i + 1 }), [n * windows, heads, places, depth]);
    const bias = transpose(reshape(gather(table, indices(relative)), [places, places, heads]), [2, 0, 1]);
    const raw = add(matmul(multiply(part(0), depth ** -0.5), swapLast(part(1))), bias);
    const scores = mask
      ? reshape(add(reshape(raw, [n, windows, heads, places, places]), mask), raw.shape as Shape)
      : raw;
    const mixed = transpose(matmul(softmax(scores), part(2)), [0, 2, 1, 3]);
    return out(reshape(mixed, [n, windows, places, width]));
  });
}

/** Concatenates neighbours of 2×2, then halves the channels. */
function patchMerging(s: Scope, width: number): Layer {
  const reduction = linear(s.at("reduction"), 4 * width, 2 * width, { bias: "none" });
  const norm = layerNormLayer(s.at("norm"), 4 * width);
  return s.layer((x) => {
    const even = pad(x, [0, 0, 0, 0], [0, x.shape[1]! & 1, x.shape[2]! & 1, 0]);
    const pick = (row: number, column: number) =>
      slice(even, { axis: 1, start: row, step: 2 }, { axis: 2, start: column, step: 2 });
    return reduction(norm(concat([pick(0, 0), pick(1, 0), pick(0, 1), pick(1, 1)], 3)));
  });
}

/** Row of the bias table for each pair of places in a window. */
function relativePositions(window: number): number[] {
  const places = Array.from({ length: window * window }, (_, i) => ({ y: Math.floor(i / window), x: i % window }));
  return places.flatMap((query) =>
    places.map((key) => (query.y - key.y + window - 1) * (2 * window - 1) + (query.x - key.x + window - 1)),
  );
}

/** [windows, 1, window², window²]: -100 between positions that the shift brought together from different regions. */
export function shiftMask({ h, w }: { h: number; w: number }, window: number): Tensor {
  const shift = Math.floor(window / 2);
  const down = Math.ceil(h / window);
  const across = Math.ceil(w / window);
  const region = (at: number, size: number) => (at < size - window ? 0 : at < size - shift ? 1 : 2);
  const places = window * window;
  const mask = new Float32Array(down * across * places * places);
  let at = 0;
  for (let row = 0; row < down; row++)
    for (let column = 0; column < across; column++) {
      const ids = Array.from({ length: places }, (_, i) => {
        const y = row * window + Math.floor(i / window);
        const x = column * window + (i % window);
        return 3 * region(y, down * window) + region(x, across * window);
      });
      for (const query of ids) for (const key of ids) mask[at++] = query === key ? 0 : -100;
    }
  return constant(mask, [down * across, 1, places, places]);
}
