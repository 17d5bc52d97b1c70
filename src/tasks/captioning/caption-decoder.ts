/** Next words of captions of one picture, with the keys and values of earlier words kept, so that each step reads one word. */

import { levelsOf } from "../../boxes/anchors.ts";
import type { GlipV2 } from "../../models/glip-v2/glip-v2.ts";
import { input, logSoftmax, type Numbers, reshape, type Tensor } from "../../tensor/index.ts";
import type { PartRunner } from "../parts/part-runner.ts";
import type { NextWords } from "./search.ts";

/** The part of a picture that words read: normalised positions at each fusion [1,positions,c]. */
export interface SeenPicture {
  readonly places: readonly Float32Array[];
  readonly positions: number;
}

/** Keys and values of one layer for all captions [b,heads,limit,depth]. */
interface Memory {
  keys: Float32Array;
  values: Float32Array;
}

/** Prepares a model's captions. */
export class CaptionDecoder {
  private readonly shape: { layers: number; heads: number; depth: number; fusions: number };

  constructor(
    private readonly model: GlipV2,
    private readonly parts: PartRunner,
    /** Maximum number of words of a caption, including its start. */
    private readonly limit: number,
  ) {
    const { bert, steps } = model.config;
    this.shape = {
      layers: bert.layers + steps,
      heads: bert.heads,
      depth: bert.hiddenSize / bert.heads,
      fusions: steps,
    };
  }

  /** The part of a picture that words read, from its maps before fusion and its padded size. */
  async see(maps: readonly Float32Array[], height: number, width: number): Promise<SeenPicture> {
    const sizes = levelsOf(height, width);
    const build = () => {
      const fed = sizes.map((size, i) => input(`map.${i}`, [1, this.model.channels, size.height, size.width]));
      return Object.fromEntries(this.model.tower.see(fed).places.map((place, i) => [`places.${i}`, place]));
    };
    const feeds = Object.fromEntries(maps.map((map, i) => [`map.${i}`, map]));
    const found = await this.parts.run(`caption see ${height} ${width}`, build, feeds);
    const places = Array.from({ length: this.shape.fusions }, (_, i) => found[`places.${i}`] as Float32Array);
    return { places, positions: places[0]!.length / this.model.channels };
  }

  /** Next words of captions of a picture; they start without a word. */
  wordsOf(picture: SeenPicture): NextWords {
    const { layers, heads, depth } = this.shape;
    const room = heads * this.limit * depth;
    let length = 0;
    let memories: Memory[] = Array.from({ length: layers }, () => ({
      keys: new Float32Array(room),
      values: new Float32Array(room),
    }));
    return {
      read: async (words, parents) => {
        if (length > 0) memories = memories.map((memory) => continued(memory, parents, room));
        const { logs, remembered } = await this.step(picture, words, memories, length);
        remembered.forEach((next, layer) => {
          write(memories[layer]!.keys, next.keys, { length, depth, limit: this.limit });
          write(memories[layer]!.values, next.values, { length, depth, limit: this.limit });
        });
        length++;
        const vocabulary = logs.length / words.length;
        return words.map((_, i) => logs.subarray(i * vocabulary, (i + 1) * vocabulary));
      },
    };
  }

  private async step(picture: SeenPicture, words: readonly number[], memories: readonly Memory[], length: number) {
    const b = words.length;
    const mask = new Float32Array(b * (this.limit + 1));
    for (let i = 0; i < b; i++) {
      mask.fill(1, i * (this.limit + 1), i * (this.limit + 1) + length);
      mask[(i + 1) * (this.limit + 1) - 1] = 1;
    }
    const feeds: Record<string, Numbers> = {
      ids: BigInt64Array.from(words, BigInt),
      place: BigInt64Array.of(BigInt(length)),
      mask,
    };
    picture.places.forEach((place, i) => {
      feeds[`places.${i}`] = place;
    });
    memories.forEach(({ keys, values }, i) => {
      feeds[`keys.${i}`] = keys;
      feeds[`values.${i}`] = values;
    });
    const key = `caption step ${b} ${picture.positions} ${this.limit}`;
    const found = await this.parts.run(key, () => this.stepOutputs(b, picture.positions), feeds);
    const remembered = memories.map((_, i) => ({
      keys: found[`next.keys.${i}`] as Float32Array,
      values: found[`next.values.${i}`] as Float32Array,
    }));
    return { logs: found.logs as Float32Array, remembered };
  }

  private stepOutputs(b: number, positions: number): Record<string, Tensor> {
    const { layers, heads, depth, fusions } = this.shape;
    const captions = this.model.captions!;
    const past = Array.from({ length: layers }, (_, i) => ({
      keys: input(`keys.${i}`, [b, heads, this.limit, depth]),
      values: input(`values.${i}`, [b, heads, this.limit, depth]),
    }));
    const places = Array.from({ length: fusions }, (_, i) => input(`places.${i}`, [1, positions, this.model.channels]));
    const mask = input("mask", [b, this.limit + 1]);
    const next = captions.step(input("ids", [b, 1], "int64"), input("place", [1], "int64"), past, mask, places);
    const outputs: Record<string, Tensor> = { logs: reshape(logSoftmax(captions.logits(next.vectors)), [b, -1]) };
    next.remembered.forEach(({ keys, values }, i) => {
      outputs[`next.keys.${i}`] = keys;
      outputs[`next.values.${i}`] = values;
    });
    return outputs;
  }
}

/** The memory of captions that continue others. */
function continued({ keys, values }: Memory, parents: readonly number[], room: number): Memory {
  const of = (numbers: Float32Array) => {
    const next = new Float32Array(parents.length * room);
    parents.forEach((parent, i) => {
      next.set(numbers.subarray(parent * room, (parent + 1) * room), i * room);
    });
    return next;
  };
  return { keys: of(keys), values: of(values) };
}

/** Writes one word's rows [b·heads,depth] at its place among those of all words [b·heads,limit,depth]. */
function write(memory: Float32Array, next: Float32Array, at: { length: number; depth: number; limit: number }): void {
  const { length, depth, limit } = at;
  for (let row = 0; row < next.length / depth; row++)
    memory.set(next.subarray(row * depth, (row + 1) * depth), (row * limit + length) * depth);
}
