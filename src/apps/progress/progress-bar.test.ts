import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { lineRun } from "../../learning/fixtures/line.ts";
import { train } from "../../learning/train.ts";
import { ProgressBar, TimeLeft } from "./progress-bar.ts";
import { trainingProgress } from "./training-progress.ts";

/** A stream that remembers what was written, as a terminal's where told. */
function recorder(isTTY: boolean) {
  const written: string[] = [];
  const stream = new Writable({
    write(chunk, _, done) {
      written.push(String(chunk));
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY, columns: 80 }), text: () => written.join("") };
}

test("training progress without a terminal ends with a line of losses, rate and time left", async () => {
  const { stream, text } = recorder(false);
  await train({ ...lineRun(5), listeners: [trainingProgress({ stream })] });
  assert.match(text(), /5\/5 · loss \d\.\d{3} · [\d.e+]+ pictures\/s · 0 s left/);
});

test("the time left is estimated from the rate since the first update, and is empty if unknown", () => {
  const left = new TimeLeft(10);
  assert.equal(left.words(4, 1000), "");
  assert.equal(left.words(4, 5000), "");
  assert.equal(left.words(6, 21_000), "40 s left");
  assert.equal(left.words(10, 41_000), "");
  assert.equal(new TimeLeft(0).words(0, 0), "");
});

test("a new bar shows no time left", () => {
  const { stream, text } = recorder(false);
  const bar = new ProgressBar({ unit: "pictures", stream });
  bar.start(3);
  bar.update(0);
  bar.stop();
  assert.match(text(), /0\/3 pictures\n/);
  assert.doesNotMatch(text(), /left|NaN|INF|NULL|Infinity/);
});

test("printed lines have line wrap, which is on again after the bar", () => {
  const { stream, text } = recorder(true);
  const bar = new ProgressBar({ unit: "pictures", stream });
  bar.start(3);
  bar.aside(() => stream.write("a line\n"));
  assert.ok(text().includes("\r\x1b[K\x1b[?7ha line\n\x1b[?7l"));
  bar.stop();
  assert.match(text().slice(text().lastIndexOf("[?7")), /^\[\?7h/);
});

test("a quiet bar writes nothing", () => {
  const { stream, text } = recorder(true);
  const bar = new ProgressBar({ quiet: true, stream });
  bar.start(3);
  bar.update(2);
  bar.stop();
  assert.equal(text(), "");
});
