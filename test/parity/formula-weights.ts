/** Weights computed from their names, so that two implementations can be compared without a file. */

import { countOf, type Shape } from "../../src/tensor/index.ts";

/** The first row that matches a name: its base and its scale, or its gain, from which a scale is computed with the fan-in. */
export interface FormulaTable {
  readonly rows: readonly (readonly [pattern: RegExp, base: number, scale: number])[];
  readonly gains: readonly (readonly [pattern: RegExp, gain: number])[];
  /** Weights that are right operands: their fan-in is their first dimension. */
  readonly turned?: RegExp;
}

const rows: FormulaTable["rows"] = [
  [/relative_position_bias_table$/, 0, 0.875],
  [/word_embeddings\.weight$/, 0, 0.0875],
  [/(position|token_type)_embeddings\.weight$/, 0, 0.05],
  [/gamma_[vl]$/, 0.5, 0.1],
  [/\.scale$/, 1, 0.2],
  [/log_scale$/, 0.25, 0],
  [/bias0$/, -5.5, 0],
  [/bias_lang$/, 0, 0.7],
  [/AttnConv\.1\.bias$/, 0.5, 0.25],
  [/relu\.fc\.[02]\.bias$/, 0, 0.5],
  [/offset\.bias$/, 0, 0.5],
  [/\.bias$/, 0, 0.1],
  [/norm|Norm|\.bn\.weight$/, 1, 0.1],
];
const gains: FormulaTable["gains"] = [
  [/(query|key)\.weight$/, 1.7],
  [/attn\.[vl]_proj\.weight$/, 1.4],
  [/qkv\.weight$/, 1.2],
  [/attention\.output\.dense\.weight$/, 0.3],
  [/\.output\.dense\.weight$/, 0.35],
  [/AttnConv\.1\.weight$/, 3],
  [/relu\.fc\.[02]\.weight$/, 2],
  [/bbox_pred\.weight$/, 6],
  [/centerness\.weight$/, 4],
  [/cls_logits\.weight$/, 0.16],
  [/dot_product_projection_text\.weight$/, 32],
];

const glip: FormulaTable = { rows, gains };

/** The table of CLIP and RegionCLIP. */
export const clipFormula: FormulaTable = {
  rows: [
    [/running_mean$/, 0, 0.1],
    [/running_var$/, 1, 0.25],
    [/logit_scale$/, 4.6051702, 0],
    [/cls_bg_score\.weight$/, 0, 0],
    [/bias$/, 0, 0.1],
    [/\.bn3\.weight$|\.conv3\.norm\.weight$/, 0.375, 0.1],
    [/\.norm\.weight$|bn/, 1, 0.1],
    [/downsample\.1\.weight$/, 0.6875, 0.1],
    [/ln_/, 1, 0.1],
    [/token_embedding\.weight$/, 0, 0.5],
    [/attnpool\.positional_embedding$/, 0, 1],
    [/visual\.positional_embedding$|class_embedding$/, 0, 0.5],
    [/positional_embedding$/, 0, 0.3],
  ],
  gains: [
    [/stem\.conv1\.weight$/, 0.025],
    [/anchor_deltas\.weight$/, 0.5],
    [/conv[123]\.weight$/, 1.4],
    [/downsample\.0\.weight$/, 1],
    [/[qk]_proj\.weight$/, 2.2],
    [/in_proj_weight$/, 1.4],
    [/mlp\.c_fc\.weight$/, 1.2],
    [/mlp\.c_proj\.weight$|out_proj\.weight$/, 0.6],
  ],
  turned: /(^|\.)(text_projection|visual\.proj)$/,
};

/** Uniform numbers whose 24 bits are a hash of name, seed and index, scaled by the row of the table that matches the name. */
export function formulaWeight(name: string, shape: Shape, seed: number, table: FormulaTable = glip): Float32Array {
  const row = table.rows.find(([pattern]) => pattern.test(name));
  const gain = table.gains.find(([pattern]) => pattern.test(name))?.[1] ?? 1;
  const base = row?.[1] ?? 0;
  const fanIn = table.turned?.test(name) ? shape[0]! : countOf(shape.slice(1));
  const scale = Math.fround(row?.[2] ?? gain * Math.sqrt(3 / fanIn));
  const start = BigInt.asUintN(64, hash(name) + (BigInt(seed) << 40n) + 0x9e3779b97f4a7c15n);
  const numbers = new Float32Array(countOf(shape));
  let high = Number(start >> 32n);
  let low = Number(start & 0xffffffffn);
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = base + scale * (mixed(high, low) * 2 ** -23 - 1);
    low++;
    if (low === 2 ** 32) {
      low = 0;
      high = (high + 1) >>> 0;
    }
  }
  return numbers;
}

/** FNV-1a of 64 bits (Fowler, Noll and Vo). */
export function hash(name: string): bigint {
  let h = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(name)) h = BigInt.asUintN(64, (h ^ BigInt(byte)) * 0x100000001b3n);
  return h;
}

/** The first 24 bits of splitmix64's mixing function (Steele et al. 2014) for a number given as two halves of 32 bits. */
function mixed(high: number, low: number): number {
  // (z ^ z >> 30) * 0xbf58476d1ce4e5b9
  let b = (low ^ ((low >>> 30) | (high << 2))) >>> 0;
  let a = (high ^ (high >>> 30)) >>> 0;
  a = (productHigh(b, 0x1ce4e5b9) + Math.imul(a, 0x1ce4e5b9) + Math.imul(b, 0xbf58476d)) >>> 0;
  b = Math.imul(b, 0x1ce4e5b9) >>> 0;
  // (z ^ z >> 27) * 0x94d049bb133111eb
  const c = (b ^ ((b >>> 27) | (a << 5))) >>> 0;
  const d = (a ^ (a >>> 27)) >>> 0;
  const top = (productHigh(c, 0x133111eb) + Math.imul(d, 0x133111eb) + Math.imul(c, 0x94d049bb)) >>> 0;
  // The last step, z ^ z >> 31, affects the first 32 bits only by their sign.
  return ((top ^ (top >>> 31)) >>> 0) >>> 8;
}

/** Upper half of the product of two numbers of 32 bits. */
function productHigh(x: number, y: number): number {
  const [x1, x0, y1, y0] = [x >>> 16, x & 0xffff, y >>> 16, y & 0xffff];
  const middle = x1 * y0 + ((x0 * y0) >>> 16);
  const other = x0 * y1 + (middle % 65536);
  return x1 * y1 + Math.floor(middle / 65536) + Math.floor(other / 65536);
}
