import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, mock, test } from "node:test";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { chartSvg, svgToPng, ticks } from "./chart.ts";
import { curveFiles, runPanels } from "./curves.ts";
import { lineRun } from "./fixtures/line.ts";
import { jsonLinesLog, readLog } from "./log.ts";
import { estimateMemory, memoryText } from "./memory-estimate.ts";
import { duration, progressText, StepRate } from "./progress.ts";
import { crc32c, encodeEvent, record, tensorBoardLog } from "./tensorboard.ts";
import { train } from "./train.ts";

const root = mkdtempSync(join(tmpdir(), "log-"));
after(() => rmSync(root, { recursive: true }));

test("the log of a resumed run has each step once", async () => {
  const file = join(root, "log", "log.jsonl");
  const checkpoints = { folder: join(root, "run"), every: 4 };
  const dies = { stepped: ({ step }: { step: number }) => assert.notEqual(step, 7) };
  await assert.rejects(train({ ...lineRun(12), checkpoints, listeners: [jsonLinesLog(file), dies] }));
  appendFileSync(file, '{"kind":"step","st');
  const listeners = [jsonLinesLog(file)];
  const result = await train({ ...lineRun(12), checkpoints: { ...checkpoints, resume: true }, listeners });
  const entries = readLog(file);
  const steps = entries.filter(({ kind }) => kind === "step").map(({ step }) => step);
  assert.deepEqual(steps, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  const last = entries.at(-1)!;
  assert.deepEqual(last, { kind: "evaluation", step: 12, metrics: { closeness: result.best }, best: true });
});

test("a fresh run starts a fresh log", async () => {
  const file = join(root, "fresh.jsonl");
  for (let run = 0; run < 2; run++) await train({ ...lineRun(3), listeners: [jsonLinesLog(file)] });
  assert.deepEqual(
    readLog(file).map(({ kind }) => kind),
    ["step", "step", "step", "evaluation"],
  );
});

test("a log that cannot be written ends the run with the file's name", async () => {
  const file = join(root, "fresh.jsonl", "log.jsonl");
  for (const listener of [jsonLinesLog(file), tensorBoardLog(join(root, "fresh.jsonl"))]) {
    const run = train({ ...lineRun(3), listeners: [listener] });
    await assert.rejects(run, { name: "InputError", message: /fresh\.jsonl.* cannot be written \(\w+\); check that/ });
  }
});

test("CRC-32C and an event have the bytes of their definitions", () => {
  assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
  const bytes = Buffer.from(encodeEvent({ wallTime: 1.5, step: 300, scalars: { "a/b": 0.5 } })).toString("hex");
  //            wall_time 1.5        step 300  summary 12 bytes, value 10: tag "a/b", simple_value 0.5
  assert.equal(bytes, "09000000000000f83f" + "10ac02" + "2a0c" + "0a0a" + "0a03612f62" + "150000003f");
  assert.equal(Buffer.from(record(Uint8Array.of(1))).readBigUInt64LE(), 1n);
});

test("TensorBoard files have valid records, and a resumed run discards later steps", async () => {
  const folder = join(root, "board");
  const listener = tensorBoardLog(folder);
  mock.timers.enable({ apis: ["Date"], now: 1_700_000_000_099 });
  try {
    await train({ ...lineRun(10), listeners: [listener] });
    mock.timers.tick(1);
    await listener.started?.({ step: 5, totalSteps: 10 });
  } finally {
    mock.timers.reset();
  }
  const [first, second] = readdirSync(folder)
    .sort()
    .map((name) => readEvents(join(folder, name)));
  assert.deepEqual(first![0], { step: 0, fileVersion: "brain.Event:2", scalars: {}, sessionStart: false });
  assert.deepEqual(
    first!.map(({ step }) => step),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10],
  );
  assert.deepEqual(Object.keys(first![1]!.scalars), [
    "loss/total",
    "loss/square",
    "step/gradient-norm",
    "step/learning-rate-factor",
    "step/pictures-per-second",
    "step/waited-seconds",
  ]);
  assert.deepEqual(Object.keys(first!.at(-1)!.scalars), ["metric/closeness"]);
  assert.deepEqual(
    second!.map(({ step, sessionStart }) => [step, sessionStart]),
    [
      [0, false],
      [6, true],
    ],
  );
});

test("curves are drawn as SVG and PNG, with fewer points for long runs and without missing values", async () => {
  const log = join(root, "curves.jsonl");
  await train({ ...lineRun(20), listeners: [jsonLinesLog(log), curveFiles(log, root)] });
  const svg = readFileSync(join(root, "curves.svg"), "utf8");
  assert.match(svg, />loss by step<.+>square<.+>metric by step<.+>closeness</s);
  assert.deepEqual([...readFileSync(join(root, "curves.png")).subarray(1, 4)], [...Buffer.from("PNG")]);

  const report = { losses: {}, gradientNorm: 1, learningRateFactor: 1, pictures: 1, seconds: 1, waited: 0 };
  const long = Array.from({ length: 1001 }, (_, i) => ({
    kind: "step" as const,
    ...report,
    step: i + 1,
    loss: i,
    losses: { a: i },
  }));
  const points = runPanels(long)[0]!.lines[0]!.points;
  assert.equal(points.length, 334);
  assert.deepEqual(points[0], { x: 2, y: 1 });
  const odd = chartSvg([
    {
      title: "a < b & c",
      lines: [
        {
          name: "x",
          points: [
            { x: 1, y: Number.NaN },
            { x: 2, y: 3 },
          ],
        },
      ],
    },
  ]);
  assert.doesNotMatch(odd, /NaN/);
  assert.match(odd, /a &lt; b &amp; c/);
  assert.ok((await svgToPng(chartSvg([{ title: "nothing", lines: [] }]))).length > 100);
});

test("ticks are round numbers within the range", () => {
  assert.deepEqual(ticks(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticks(-3, 17), [0, 5, 10, 15]);
  assert.deepEqual(ticks(1000, 1004), [1000, 1001, 1002, 1003, 1004]);
});

test("the progress text has every loss, and the time left at the current rate", () => {
  const rate = new StepRate();
  for (let i = 0; i < 30; i++) rate.add({ pictures: 8, seconds: 2 });
  const report = { step: 10, totalSteps: 4000, loss: 1.5, losses: { focal: 1, box: 0.5 }, pictures: 8, seconds: 2 };
  const words = progressText({ ...report, gradientNorm: 1, learningRateFactor: 1, waited: 0 }, rate);
  assert.equal(words, "loss 1.500 (focal 1.000, box 0.500) · 4.00 pictures/s · 2 h 13 min left");
  const full = { ...report, gradientNorm: 1, learningRateFactor: 1, waited: 0 };
  assert.match(progressText(full, rate, { mayEndEarly: true }), / · at most 2 h 13 min left$/);
  const unknown = progressText({ ...report, gradientNorm: 1, learningRateFactor: 1, waited: 0 }, new StepRate());
  assert.equal(unknown, "loss 1.500 (focal 1.000, box 0.500)");
  assert.deepEqual([59.4, 61, 3600].map(duration), ["59 s", "1 min 1 s", "1 h 0 min"]);
});

test("the memory estimate adds up and names the largest part first", () => {
  const estimate = estimateMemory({
    parameters: 20e6,
    trained: 10e6,
    momentsPerWeight: 2,
    average: true,
    accumulate: 2,
    activationBytes: 1e9,
    batchBytes: 1e6,
    batchesAhead: 3,
    shards: 2,
  });
  assert.equal(estimate.total, 80e6 + 120e6 + 80e6 + 80e6 + 1e9 + 4e6 + estimate.program);
  assert.equal(estimate.program, 150e6 + 3 * 50e6 + 2 * 110e6);
  assert.match(
    memoryText(estimate),
    /^about 1\.88 GB: activations 1 GB, program 520 MB, gradients 120 MB, .*, batches 4 MB$/,
  );
});

interface ReadEvent {
  step: number;
  fileVersion: string;
  scalars: Record<string, number>;
  sessionStart: boolean;
}

/** An event file taken apart, with each record's frame built anew and compared. */
function readEvents(file: string): ReadEvent[] {
  const bytes = readFileSync(file);
  const events: ReadEvent[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    const body = bytes.subarray(at + 12, at + 12 + length);
    assert.ok(bytes.subarray(at, at + 16 + length).equals(record(body)));
    events.push(readEvent(new BinaryReader(body)));
    at += 16 + length;
  }
  return events;
}

function readEvent(reader: BinaryReader): ReadEvent {
  const event: ReadEvent = { step: 0, fileVersion: "", scalars: {}, sessionStart: false };
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 2) event.step = Number(reader.int64());
    else if (field === 3) event.fileVersion = reader.string();
    else if (field === 5) readSummary(new BinaryReader(reader.bytes()), event.scalars);
    else if (field === 7) event.sessionStart = reader.bytes()[1] === 1;
    else reader.skip(type);
  }
  return event;
}

function readSummary(reader: BinaryReader, scalars: Record<string, number>): void {
  while (reader.pos < reader.len) {
    assert.equal(reader.tag()[0], 1);
    const value = new BinaryReader(reader.bytes());
    value.tag();
    const name = value.string();
    value.tag();
    scalars[name] = value.float();
  }
}
