/** Masks in the form of Label Studio's brush: the run lengths of @thi.ng/rle-pack, over the four channels of its pictures, as a list of bytes. */

import { pixelsOf, type RunLengths } from "../../boxes/masks/run-lengths.ts";

/** Widths in bits of a run's length. */
const WIDTHS = [3, 4, 8, 16] as const;
const LONGEST = 2 ** 16;
const CHANNELS = 4;

/** The bytes of a mask. */
export function brushRuns(mask: RunLengths): number[] {
  const pixels = pixelsOf(mask);
  const bits = bitWriter();
  bits.write(CHANNELS * pixels.length, 32);
  bits.write(7, 5); // values of 8 bits
  for (const width of WIDTHS) bits.write(width - 1, 4);
  for (let start = 0; start < pixels.length; ) {
    let end = start + 1;
    while (end < pixels.length && pixels[end] === pixels[start]) end++;
    for (let left = CHANNELS * (end - start); left > 0; left -= LONGEST) {
      const length = Math.min(left, LONGEST) - 1;
      const size = WIDTHS.findIndex((width) => length < 2 ** width);
      bits.write(1, 1); // a run, not single values
      bits.write(size, 2);
      bits.write(length, WIDTHS[size]!);
      bits.write(pixels[start] ? 255 : 0, 8);
    }
    start = end;
  }
  return bits.bytes();
}

/** Writes numbers of some bits, the highest bit first; the last byte is filled with zeros. */
function bitWriter() {
  const bytes: number[] = [];
  let [open, filled] = [0, 0];
  return {
    write(value: number, width: number) {
      for (let bit = width - 1; bit >= 0; bit--) {
        open = (open << 1) | (Math.floor(value / 2 ** bit) & 1);
        if (++filled < 8) continue;
        bytes.push(open);
        [open, filled] = [0, 0];
      }
    },
    bytes: () => (filled === 0 ? bytes : [...bytes, open << (8 - filled)]),
  };
}
