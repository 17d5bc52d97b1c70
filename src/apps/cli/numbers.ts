/** Numbers on the command line. */

import { InvalidArgumentError } from "commander";
import type { SizeRule } from "../../inputs/pictures/preparation.ts";

/** The ratio of the published models' sizes, 1333 and 800. */
const LONGER = 1333 / 800;

/** Reads a number from 0 to 1. */
export function share(text: string): number {
  const number = Number(text);
  if (text.trim() !== "" && number >= 0 && number <= 1) return number;
  throw new InvalidArgumentError("give a number from 0 to 1.");
}

/** Reads a whole number within limits. */
export function wholeNumber(least: number, greatest: number) {
  return (text: string): number => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= greatest) return number;
    throw new InvalidArgumentError(`give a whole number from ${least} to ${greatest}.`);
  };
}

/** Reads "800" or "800,1333": length of the shorter side, and maximum length of the longer side. */
export function sizeRule(text: string): SizeRule {
  const [short = 0, max = Math.round(short * LONGER), ...more] = text.split(",").map(Number);
  const fits = (side: number) => Number.isInteger(side) && side >= 32 && side <= 10_000;
  if (more.length === 0 && fits(short) && fits(max) && short <= max) return { short, max };
  throw new InvalidArgumentError("give SHORT or SHORT,MAX in pixels from 32 to 10000, for example 800,1333.");
}

/** Reads "480x640": height and width in pixels. */
export function pictureSize(text: string): { height: number; width: number } {
  const [, height = 0, width = 0] = (/^(\d+)x(\d+)$/.exec(text) ?? []).map(Number);
  if (height >= 32 && width >= 32 && height <= 10_000 && width <= 10_000) return { height, width };
  throw new InvalidArgumentError("give HEIGHTxWIDTH in pixels from 32 to 10000, for example 480x640.");
}
