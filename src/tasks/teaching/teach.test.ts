import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { adaptedPromptBytes, readAdaptedPrompt } from "../finding/adapted-prompt-format.ts";
import type { Box } from "../finding/detection.ts";
import { loadModel } from "../finding/load-model.ts";
import { drawingsOf, SIDE } from "./fixtures/drawings.ts";
import { teach } from "./teach.ts";

const root = mkdtempSync(join(tmpdir(), "teach-"));
after(() => rmSync(root, { recursive: true }));
/** No word of any language. */
const NAME = "gloop";
const THING = "anchor";

test("a name without a meaning is learned from three drawings, saved, read and found in others", async () => {
  const pictures = await drawingsOf(THING, { folder: root, count: 20 });
  await using model = await loadModel();
  const losses: number[] = [];
  const lessons = pictures.slice(0, 3).map(({ file, boxes }) => ({
    image: file,
    boxes: boxes.map((box) => ({ label: NAME, box })),
  }));
  const prompt = await teach(model, lessons, { passed: (_pass, _passes, loss) => losses.push(loss) });
  assert.equal(losses.length, 40);
  assert.ok(losses.at(-1)! < 0.5 * losses[0]!, losses.join(" "));
  const bytes = adaptedPromptBytes(prompt);
  const again = await readAdaptedPrompt(bytes.buffer, "prompt.safetensors");
  assert.deepEqual(again, prompt);
  const others = pictures.slice(3);
  const hits = async (classes: Parameters<typeof model.detect>[1]) => {
    const found = await model.detect(
      others.map(({ file }) => file),
      classes,
      { threshold: 0 },
    );
    return found.filter(([best], i) => best && others[i]!.boxes.some((box) => overlap(box, best.box) > 0.5)).length;
  };
  const taught = await hits(again);
  const untaught = await hits([NAME]);
  assert.ok(
    taught >= 0.8 * others.length && untaught <= 0.5 * others.length,
    `${taught}, ${untaught} of ${others.length}`,
  );
  // The map of scores is highest inside the thing.
  const [map] = await model.scoreMaps(others[0]!.file, again);
  const best = map!.scores.indexOf(Math.max(...map!.scores));
  const [x, y] = [best % map!.width, Math.floor(best / map!.width)].map((cell) => (cell + 0.5) * (SIDE / map!.width));
  assert.ok(others[0]!.boxes.some((box) => box.xmin <= x! && x! <= box.xmax && box.ymin <= y! && y! <= box.ymax));
  await assert.rejects(teach(model, [{ image: others[0]!.file, boxes: [] }]), {
    name: "InputError",
    message: /there are no boxes/,
  });
  const stopped = AbortSignal.abort(new Error("enough"));
  await assert.rejects(teach(model, lessons, { signal: stopped }), { message: "enough" });
});

function overlap(a: Box, b: Box): number {
  const [w, h] = [
    Math.min(a.xmax, b.xmax) - Math.max(a.xmin, b.xmin),
    Math.min(a.ymax, b.ymax) - Math.max(a.ymin, b.ymin),
  ];
  if (w <= 0 || h <= 0) return 0;
  const area = ({ xmin, ymin, xmax, ymax }: Box) => (xmax - xmin) * (ymax - ymin);
  return (w * h) / (area(a) + area(b) - w * h);
}
