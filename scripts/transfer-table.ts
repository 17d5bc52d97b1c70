/**
 * Makes the table of docs/transfer.md from the cells of scripts/transfer.ts: the average over the available sets, by shots and method, with
 * the interval over seeds, and the paired differences for the paper's three statements.
 *
 *     npx tsx scripts/transfer-table.ts docs/results/transfer.jsonl
 */

import { Random } from "../src/data/random.ts";
import { readResults } from "./results.ts";
import { meanAndInterval } from "./statistics.ts";
import { type Cell, type Method, methods, type Shots } from "./transfer-cells.ts";

const SHOTS: readonly Shots[] = [1, 3, 5, 10, "all"];
const RESAMPLES = 10_000;

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error("give the file of cells, such as docs/results/transfer.jsonl");
const cells = readResults<Cell>(file);
console.log(`${zeroShotLine()}\n\n${tableOf()}\n\n${setsTable()}\n\n${statements()}`);

type Key = Pick<Cell, "method" | "shots">;

function of({ method, shots }: Key): Cell[] {
  return cells.filter((cell) => cell.method === method && cell.shots === shots);
}

function percent(cells: readonly Cell[]): number {
  return (100 * cells.reduce((sum, { AP }) => sum + AP, 0)) / cells.length;
}

function zeroShotLine(): string {
  const some = of({ method: "zero-shot", shots: 0 });
  return `Zero-shot, average of ${some.length} sets: AP ${some.length ? percent(some).toFixed(1) : "–"}.`;
}

/**
 * Averages over the sets of each seed; mean and interval over the seeds with all sets. If there are none, the mean of the available values,
 * with their number.
 */
function tableOf(): string {
  const whole = of({ method: "zero-shot", shots: 0 }).length;
  const cell = (method: Method, shots: Shots) => {
    const some = of({ method, shots });
    if (some.length === 0) return "–";
    const bySeed = [...new Set(some.map(({ seed }) => seed))].map((seed) => some.filter((one) => one.seed === seed));
    const finished = bySeed.filter((sets) => sets.length === whole);
    if (finished.length > 0) return `${meanAndInterval(finished.map(percent))} (${finished.length})`;
    return `[${percent(some).toFixed(1)}; ${some.length} of ${whole} sets]`;
  };
  const lines = SHOTS.map((shots) => `| ${[shots, ...methods.map((method) => cell(method, shots))].join(" | ")} |`);
  return [`| shots | ${methods.join(" | ")} |`, `|---|${"---|".repeat(methods.length)}`, ...lines].join("\n");
}

/** AP of each set, mean over seeds, with few shots or all pictures. */
function setsTable(): string {
  const adapted = ([1, "all"] as const).flatMap((shots) => methods.map((method): Key => ({ method, shots })));
  const columns = [{ method: "zero-shot", shots: 0 } as const, ...adapted].filter((key) => of(key).length > 0);
  const sets = [...new Set(cells.map(({ set }) => set))].sort();
  const lines = sets.map((set) => {
    const values = columns.map((key) => of(key).filter((cell) => cell.set === set));
    return `| ${[set, ...values.map((some) => (some.length ? percent(some).toFixed(1) : "–"))].join(" | ")} |`;
  });
  const heads = columns.map(({ method, shots }) => (shots === 0 ? method : `${method}, ${shots}`));
  return [`| set | ${heads.join(" | ")} |`, `|---|${"---|".repeat(heads.length)}`, ...lines].join("\n");
}

function statements(): string {
  const few = SHOTS.flatMap((shots) => [
    difference({ method: "prompt", shots }, { method: "full", shots }),
    difference({ method: "linear", shots }, { method: "full", shots }),
    difference({ method: "linear", shots }, { method: "prompt", shots }),
  ]);
  const one = difference({ method: "full", shots: 1 }, { method: "dynamic-head", shots: "all" });
  const lines = [one, ...few].filter((line) => line !== undefined);
  if (lines.length === 0) return "No pair of cells is there yet.";
  return ["| difference of AP | mean | 95 % interval | pairs |", "|---|---|---|---|", ...lines].join("\n");
}

/** Mean of paired differences over sets and seeds; the interval is from resampled sets with all their seeds. */
function difference(first: Key, second: Key): string | undefined {
  const bySet = new Map<string, number[]>();
  for (const cell of of(first)) {
    const other = of(second).find(({ set, seed }) => set === cell.set && seed === cell.seed);
    if (other) bySet.set(cell.set, [...(bySet.get(cell.set) ?? []), 100 * (cell.AP - other.AP)]);
  }
  const groups = [...bySet.values()];
  const pairs = groups.flat();
  const name = `${first.method}, ${first.shots} − ${second.method}, ${second.shots}`;
  if (pairs.length === 0) return undefined;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const random = new Random(1, name);
  const means = Array.from({ length: RESAMPLES }, () => mean(groups.flatMap(() => random.pick(groups))));
  means.sort((a, b) => a - b);
  const bound = (share: number) => means[Math.round(share * (RESAMPLES - 1))]!.toFixed(1);
  const interval = groups.length > 1 ? `${bound(0.025)} to ${bound(0.975)}` : "–";
  return `| ${name} | ${mean(pairs).toFixed(1)} | ${interval} | ${pairs.length} |`;
}
