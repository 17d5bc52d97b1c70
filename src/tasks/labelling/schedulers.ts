/** Job files that run a command as many tasks, each with its share of the shards. */
import type { Job } from "kubernetes-types/batch/v1.js";

export interface JobFile {
  /** Its name. */
  readonly file: string;
  readonly text: string;
}

/** Makes a job file from the arguments of a command that was called with `--emit` and `--tasks`. */
type Emit = (words: readonly string[], tasks: number) => JobFile;

export const schedulers = { slurm: slurmScript, kubernetes: kubernetesManifest } as const satisfies Record<
  string,
  Emit
>;
export type Scheduler = keyof typeof schedulers;

/** An array of tasks for `sbatch`. With `--requeue`, tasks that are stopped start again and skip finished shards. */
function slurmScript(words: readonly string[], tasks: number): JobFile {
  const command = ["npx", "groundling", ...ownWords(words), "--shard-of", "slurm"].map(shellWord).join(" ");
  const text = `#!/bin/bash
#SBATCH --job-name=pseudo-label
#SBATCH --array=0-${tasks - 1}
#SBATCH --requeue
#SBATCH --open-mode=append
cd "$SLURM_SUBMIT_DIR"
exec ${command}
`;
  return { file: "pseudo-label.sbatch", text };
}

/** An indexed job. The user fills in an image with Groundling, and a volume for source and result. */
function kubernetesManifest(words: readonly string[], tasks: number): JobFile {
  const command = ["npx", "groundling", ...ownWords(words), "--shard-of", "kubernetes"];
  const job: Job = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "pseudo-label" },
    spec: {
      completionMode: "Indexed",
      completions: tasks,
      parallelism: tasks,
      backoffLimitPerIndex: 3,
      maxFailedIndexes: tasks,
      template: {
        spec: {
          restartPolicy: "Never",
          containers: [
            {
              name: "pseudo-label",
              image: "IMAGE",
              workingDir: "/data",
              command,
              env: [{ name: "JOB_COMPLETIONS", value: String(tasks) }],
              volumeMounts: [{ name: "data", mountPath: "/data" }],
            },
          ],
          volumes: [{ name: "data", persistentVolumeClaim: { claimName: "CLAIM" } }],
        },
      },
    },
  };
  return { file: "pseudo-label.json", text: `${JSON.stringify(job, undefined, 2)}\n` };
}

/** The arguments without `--emit` and `--tasks`. */
export function ownWords(words: readonly string[]): string[] {
  const own = ["--emit", "--tasks"];
  return words.filter(
    (word, place) =>
      !own.some((option) => word === option || word.startsWith(`${option}=`) || words[place - 1] === option),
  );
}

/** A word as a shell reads it. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
