/**
 * Shows which modules of a GLIP take the time: ONNX Runtime's profile, summed by module, next to the number of multiplications and
 * additions of each module.
 */

import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Session } from "../src/onnx/index.ts";
import { input, matmul, parameter, reachable, type Tensor } from "../src/tensor/index.ts";

export interface Module {
  name: string;
  milliseconds: number;
  /** Fraction of the total. */
  share: number;
  /** Multiplications and additions of its products and convolutions, in billions. */
  gigaflops: number;
}

/** The first pattern that matches a node's name or a scope. */
const modules: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/language_backbone/, "BERT"],
  [/backbone\.body/, "Swin"],
  [/backbone\.fpn|^p\d/, "pyramid"],
  [/b_attn/, "fusion"],
  [/dyhead_tower\.\d+\.(attention|intermediate|output)/, "tower's BERT"],
  [/DyConv\.\d\.conv/, "deformable"],
  [/\.offset/, "offsets"],
  [/dyhead_tower/, "rest of DyConv"],
];
const moduleOf = (name: string) => modules.find(([pattern]) => pattern.test(name))?.[1] ?? "answers";

/** Reads the profiles with this prefix, of this many runs, and counts the multiplications and additions of the outputs. */
export function modulesOf(prefix: string, outputs: Readonly<Record<string, Tensor>>, runs: number): Module[] {
  const times = new Map<string, number>();
  const folder = dirname(prefix);
  for (const file of readdirSync(folder).filter((name) => name.startsWith(basename(prefix))))
    for (const { cat, name, dur } of JSON.parse(readFileSync(join(folder, file), "utf8"))) {
      if (cat !== "Node" || !name.endsWith("_kernel_time")) continue;
      const module = moduleOf(name);
      times.set(module, (times.get(module) ?? 0) + dur / 1000 / runs);
    }
  const work = new Map<string, number>();
  for (const tensor of reachable(Object.values(outputs)))
    work.set(moduleOf(tensor.scope), (work.get(moduleOf(tensor.scope)) ?? 0) + sums(tensor) / 1e9);
  const all = [...times.values()].reduce((sum, time) => sum + time, 0);
  const rows = [...times].map(([name, milliseconds]) => {
    return { name, milliseconds, share: milliseconds / all, gigaflops: work.get(name) ?? 0 };
  });
  rows.sort((a, b) => b.milliseconds - a.milliseconds);
  const total = rows.reduce((sum, { gigaflops }) => sum + gigaflops, 0);
  return [...rows, { name: "all", milliseconds: all, share: 1, gigaflops: total }];
}

function sums({ operation, inputs, count }: Tensor): number {
  if (operation === "matmul") return 2 * count * inputs[0]!.shape.at(-1)!;
  const weight =
    operation === "convolution" ? inputs[1] : operation === "deformableConvolution" ? inputs[3] : undefined;
  return weight ? (2 * count * weight.count) / weight.shape[0]! : 0;
}

/** GFLOP/s of a large product with packed weights; the best of nine runs. */
export async function matmulRate(threads: number): Promise<number> {
  const [rows, depth, columns] = [4800, 2304, 256];
  const product = matmul(input("x", [rows, depth]), parameter("w", [depth, columns]));
  const numbers = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i));
  const weight = numbers(depth * columns);
  const session = await Session.compile({ product }, { threads, baked: () => weight });
  const x = numbers(rows * depth);
  let best = Infinity;
  for (let run = 0; run < 10; run++) {
    const start = performance.now();
    await session.run({ x });
    if (run > 0) best = Math.min(best, performance.now() - start);
  }
  await session.dispose();
  return (2 * rows * depth * columns) / best / 1e6;
}
