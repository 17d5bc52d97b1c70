/** Job files that train a recipe with many ranks. */

import { type JobFile, ownWords, type Scheduler, shellWord } from "../../tasks/labelling/schedulers.ts";

/** Makes a job file from the arguments of `groundling train` with `--emit` and `--tasks`. */
export const rankJobs: Readonly<Record<Scheduler, (words: readonly string[], ranks: number) => JobFile>> = {
  slurm: slurmScript,
  kubernetes: kubernetesManifest,
};

/** `mpirun` takes the hosts from Slurm. A job that is stopped starts again from its last checkpoint. */
function slurmScript(words: readonly string[], ranks: number): JobFile {
  const command = ["mpirun", "-n", String(ranks), ...trainWords(words)].map(shellWord).join(" ");
  const text = `#!/bin/bash
#SBATCH --job-name=train
#SBATCH --ntasks=${ranks}
#SBATCH --requeue
#SBATCH --open-mode=append
cd "$SLURM_SUBMIT_DIR"
exec ${command}
`;
  return { file: "train.sbatch", text };
}

/** A job of Kubeflow's MPI operator. The user fills in an image with Groundling and Open MPI, and a volume that all ranks see. */
function kubernetesManifest(words: readonly string[], ranks: number): JobFile {
  const replica = (replicas: number, command: Record<string, unknown>) => ({
    replicas,
    restartPolicy: "OnFailure",
    template: {
      spec: {
        containers: [
          {
            name: "train",
            image: "IMAGE",
            workingDir: "/data",
            ...command,
            volumeMounts: [{ name: "data", mountPath: "/data" }],
          },
        ],
        volumes: [{ name: "data", persistentVolumeClaim: { claimName: "CLAIM" } }],
      },
    },
  });
  const job = {
    apiVersion: "kubeflow.org/v2beta1",
    kind: "MPIJob",
    metadata: { name: "train" },
    spec: {
      slotsPerWorker: 1,
      mpiReplicaSpecs: {
        Launcher: replica(1, { command: ["mpirun", "-n", String(ranks), ...trainWords(words)] }),
        Worker: replica(ranks, {}),
      },
    },
  };
  return { file: "train.json", text: `${JSON.stringify(job, undefined, 2)}\n` };
}

/** The command of one rank; it goes on from a checkpoint if there is one. */
function trainWords(words: readonly string[]): string[] {
  const own = ownWords(words);
  return ["npx", "groundling", ...own, ...(own.includes("--resume") ? [] : ["--resume"])];
}
