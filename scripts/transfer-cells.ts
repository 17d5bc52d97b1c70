/** The cells of the transfer table in a file, one per line. */

export const methods = ["full", "prompt", "linear", "adapters", "dynamic-head"] as const;
export type Method = (typeof methods)[number];
export type Shots = number | "all";

export interface Cell {
  /** 0 for zero-shot, which has no training pictures. */
  seed: number;
  shots: Shots;
  method: Method | "zero-shot";
  set: string;
  /** COCO's average precision on the set's test pictures, 0 to 1. */
  AP: number;
  AP50: number;
}

export function sameCell(a: Omit<Cell, "AP" | "AP50">, b: Omit<Cell, "AP" | "AP50">): boolean {
  return a.seed === b.seed && a.shots === b.shots && a.method === b.method && a.set === b.set;
}
