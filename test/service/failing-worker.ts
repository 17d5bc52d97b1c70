/** A worker that answers without a model, so that it starts quickly, and ends when it is asked for certain names. */

import { existsSync, writeFileSync } from "node:fs";
import type { WorkerAnswer, WorkerRequest } from "../../src/apps/service/models/model-worker.ts";
import type { ModelSetup } from "../../src/apps/service/models/task.ts";
import type { Service } from "../../src/files/open-worker.ts";

export const WAIT_MS = 5000;

export function open({ model: marker }: ModelSetup): Service<WorkerRequest, WorkerAnswer> {
  return {
    answer(request) {
      if (request === "facts") return { facts: { operations: ["detect"], adapted: [] } };
      const asked = JSON.stringify(request.tasks.map(({ fields }) => fields));
      if (asked.includes("end always")) process.exit(9);
      if (asked.includes("end once") && !existsSync(marker)) {
        writeFileSync(marker, "");
        process.exit(9);
      }
      // Blocks the thread as a run of ONNX Runtime does.
      if (asked.includes("wait")) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS);
      return { outcomes: request.tasks.map(() => ({ answer: { detections: [], width: 451, height: 300 } })) };
    },
  };
}
