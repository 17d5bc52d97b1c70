import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { startWorker } from "./start-worker.ts";
import { telemetryOff } from "./telemetry.ts";

const NAME = "ORT_DISABLE_TELEMETRY";

test("telemetry is off before a worker thread starts, which may be the first to import ONNX Runtime", async () => {
  delete process.env[NAME];
  const program = `import { parentPort } from "node:worker_threads"; parentPort.postMessage(process.env.${NAME});`;
  const worker = startWorker(new URL(`data:text/javascript,${encodeURIComponent(program)}`), undefined);
  assert.deepEqual(await once(worker, "message"), ["1"]);
  assert.equal(process.env[NAME], "1");
});

test("a variable set by the user is not changed", () => {
  process.env[NAME] = "0";
  telemetryOff();
  assert.equal(process.env[NAME], "0");
});
