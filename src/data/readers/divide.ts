/** Divides a dataset randomly into train, val and test. */
import { InputError } from "../../errors.ts";
import { Random } from "../random.ts";
import type { Dataset } from "./dataset.ts";

const names = ["train", "val", "test"] as const;

/**
 * Reads fractions: "0.8,0.1,0.1" for train, val and test, "0.9,0.1" for train and val. Undefined if the text is not a list of numbers.
 * @throws InputError if they do not add up to 1.
 */
export function sharesOf(text: string): number[] | undefined {
  const shares = text.split(",").map(Number);
  if (shares.length < 2 || shares.some((share) => !Number.isFinite(share))) return undefined;
  const sum = shares.reduce((total, share) => total + share, 0);
  if (shares.length <= names.length && Math.abs(sum - 1) < 1e-6 && shares.every((share) => share > 0)) return shares;
  throw new InputError(`--split ${text}: give two or three shares above 0 that add up to 1, for example 0.8,0.1,0.1`);
}

/**
 * Splits the images of a dataset into parts of these fractions, each in the dataset's order. The seed decides which image is in which part.
 */
export function divide(
  { labels, images }: Dataset,
  shares: readonly number[],
  seed: number,
): { split: string; dataset: Dataset }[] {
  const order = new Random(seed, "split").shuffled([...images.keys()]);
  let before = 0;
  let share = 0;
  return shares.map((own, i) => {
    share += own;
    const end = i === shares.length - 1 ? images.length : Math.round(share * images.length);
    const places = order.slice(before, end).sort((a, b) => a - b);
    before = end;
    return { split: names[i]!, dataset: { labels, images: places.map((place) => images[place]!) } };
  });
}
