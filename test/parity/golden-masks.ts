/** What tests of GLIPv2's masks share: boxes by level as inputs, and the reference's forms of masks. */
import { byMaskLevel } from "../../src/boxes/masks/mask-levels.ts";
import { input, type Numbers } from "../../src/tensor/index.ts";

/** The boxes of a mask head as tensors, with their feeds. */
export function boxInputs(boxes: Float32Array, pictures: readonly number[]) {
  const sorted = byMaskLevel(boxes, pictures);
  const feeds: Record<string, Numbers> = { order: sorted.order, pictures: BigInt64Array.from(pictures, BigInt) };
  const levels = sorted.levels.map((level, i) => {
    feeds[`boxes.${i}`] = level.boxes;
    feeds[`pictures.${i}`] = level.pictures;
    const count = level.pictures.length;
    return { boxes: input(`boxes.${i}`, [count, 4]), pictures: input(`pictures.${i}`, [count], "int64") };
  });
  const order = input("order", [pictures.length], "int64");
  return { levels, order, pictures: input("pictures", [pictures.length], "int64"), feeds };
}

/** Equal shares of the tokens of each box [p,l]. */
export function tokenShares(tokens: readonly (readonly number[])[], length: number): Float32Array {
  const shares = new Float32Array(tokens.length * length);
  tokens.forEach((own, i) => {
    for (const token of own) shares[i * length + token] = 1 / own.length;
  });
  return shares;
}
