/** Runs mutated files through a reader and reports failures. */

import { writeFileSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { Random } from "../../src/data/random.ts";
import { InputError, RecipeError, ShapeError, WeightsError } from "../../src/errors.ts";
import { mutated } from "./mutate.ts";
import { layOut, type Subject } from "./subjects.ts";
import { watchFiles } from "./watch-files.ts";

export interface Finding {
  readonly subject: string;
  /** Number of the mutation, from which it can be repeated. */
  readonly mutation: number;
  readonly problem: string;
}

export interface FuzzOptions {
  readonly seed: number;
  readonly first: number;
  readonly count: number;
  /** An empty folder. */
  readonly folder: string;
  /** Called with the number of each mutation before it is read. */
  readonly begun?: (mutation: number) => void;
  /** Called with each finding at once. */
  readonly found?: (finding: Finding) => void;
  /** Maximum seconds of computing time for a result; default 5. */
  readonly patience?: number;
}

const errors = [InputError, WeightsError, RecipeError, ShapeError];
let opened: Set<string> | undefined;

/** The failures in a range of mutations of a subject. */
export async function fuzz(name: string, subject: Subject, options: FuzzOptions): Promise<Finding[]> {
  opened ??= watched();
  const { seed, first, count, folder, begun, found, patience = 5 } = options;
  layOut(folder, subject.files);
  const findings: Finding[] = [];
  for (let mutation = first; mutation < first + count; mutation++) {
    const random = new Random(seed, name, mutation);
    const path = subject.changed[Math.floor(random.unit() * subject.changed.length)]!;
    const right = subject.files.get(path)!;
    writeFileSync(join(folder, path), mutated(right, random));
    begun?.(mutation);
    const problem = await problemOf(subject, folder, patience);
    if (problem !== undefined) {
      const finding = { subject: name, mutation, problem: `${path}: ${problem}` };
      findings.push(finding);
      found?.(finding);
    }
    writeFileSync(join(folder, path), right);
  }
  return findings;
}

async function problemOf(subject: Subject, folder: string, patience: number): Promise<string | undefined> {
  opened!.clear();
  const before = process.cpuUsage();
  try {
    await subject.read(folder);
  } catch (error) {
    if (!errors.some((kind) => error instanceof kind))
      return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const { user, system } = process.cpuUsage(before);
  if ((user + system) / 1e6 > patience) return `took ${((user + system) / 1e6).toFixed(1)} s`;
  const outside = [...opened!].filter((path) => !isExpected(path, resolve(folder)));
  return outside.length > 0 ? `opened ${outside.join(", ")}` : undefined;
}

/** Whether a path is inside the folder or part of the program. */
function isExpected(path: string, folder: string): boolean {
  const program = resolve(import.meta.dirname, "../..");
  return path === folder || path.startsWith(folder + sep) || path.startsWith(program + sep);
}

function watched(): Set<string> {
  const paths = new Set<string>();
  watchFiles((path) => paths.add(path));
  return paths;
}
