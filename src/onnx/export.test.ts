import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { cases, recorded } from "../grad/fixtures/operation-cases.ts";
import { add, gelu, input, layerNorm, matmul, parameter, type Tensor } from "../tensor/index.ts";
import { runtime } from "./backend.ts";
import { exportOnnx } from "./export.ts";
import { Session } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "groundling-export-"));
after(() => rmSync(folder, { recursive: true }));
const python = ["/usr/bin/python3", "python3"].find((name) => spawnSync(name, ["-c", "import onnx"]).status === 0);

const x = input("x", [2, 4]);
const weights = new Map(
  Object.entries({ "fc1.weight": 12, "fc1.bias": 3, "norm.weight": 3, "norm.bias": 3 }).map(([name, count], salt) => [
    name,
    Float32Array.from({ length: count }, (_, i) => Math.sin(i + 10 * salt)),
  ]),
);
const hidden = add(matmul(x, parameter("fc1.weight", [4, 3])), parameter("fc1.bias", [3]));
const y = gelu(layerNorm(hidden, parameter("norm.weight", [3]), parameter("norm.bias", [3])));
const feeds = { x: Float32Array.from({ length: 8 }, (_, i) => Math.cos(i)) };

/** The outputs of a file in ONNX Runtime without our code. */
async function runFile(path: string): Promise<number[]> {
  const ort = await runtime();
  const session = await ort.InferenceSession.create(path);
  assert.deepEqual([...session.inputNames, ...session.outputNames], ["x", "y"]);
  const { y: found } = await session.run({ x: new ort.Tensor("float32", feeds.x, [2, 4]) });
  await session.release();
  return [...(found!.data as Float32Array)];
}

async function expected(): Promise<number[]> {
  const session = await Session.compile({ y });
  const { y: found } = await session.run(feeds, { weights });
  await session.dispose();
  return [...(found as Float32Array)];
}

function near(found: readonly number[], wanted: readonly number[]): void {
  assert.equal(found.length, wanted.length);
  found.forEach((value, i) => {
    assert.ok(Math.abs(value - wanted[i]!) < 1e-6, `${value} is not ${wanted[i]}`);
  });
}

test("an exported model runs in plain ONNX Runtime, its weights inside one file", async () => {
  const path = join(folder, "inside.onnx");
  await exportOnnx({ y }, path, { weights });
  near(await runFile(path), await expected());
  assert.deepEqual(readdirSync(folder), ["inside.onnx"]);
});

test("large weights are written to a file next to the model", async () => {
  const path = join(folder, "beside.onnx");
  await exportOnnx({ y }, path, { weights, mostInside: 0 });
  near(await runFile(path), await expected());
  assert.deepEqual(readdirSync(folder).sort(), ["beside.onnx", "beside.onnx.data", "inside.onnx"]);
});

test("weights that are missing or of another size are listed, and nothing is written", async () => {
  const few = new Map([...weights].slice(1)).set("norm.bias", new Float32Array(4));
  await assert.rejects(exportOnnx({ y }, join(folder, "none.onnx"), { weights: few }), {
    name: "WeightsError",
    message: [
      "weights do not fit the model to export:",
      "  missing  fc1.weight [4, 3]",
      "  size     norm.bias [3] has 4 numbers",
    ].join("\n"),
  });
  assert.equal(
    readdirSync(folder).some((name) => name.startsWith("none")),
    false,
  );
});

test("the ONNX checker accepts every operation of the older operator sets", {
  skip: python ? false : "needs a Python with the onnx package (Debian: python3-onnx)",
}, async () => {
  const outputs: Record<string, Tensor> = { y };
  for (const [name, make] of Object.entries(cases)) {
    if (name.startsWith("deformable")) continue;
    const inputs = recorded[name]!.inputs.map(({ shape, type }, i) => input(`${name} ${i}`, shape, type));
    outputs[`${name} value`] = make(...inputs);
  }
  const path = join(folder, "all.onnx");
  await exportOnnx(outputs, path, { weights });
  const check = "import onnx, sys; onnx.checker.check_model(onnx.load(sys.argv[1]), full_check=True)";
  const { status, stderr } = spawnSync(python!, ["-c", check, path], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
});
