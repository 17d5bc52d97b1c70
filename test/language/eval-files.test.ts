import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readCaptionResults } from "../../src/data/readers/caption-files.ts";
import { readVqaAnnotations, readVqaAnswers } from "../../src/data/readers/vqa-files.ts";
import { protocolRows } from "../../src/evaluation/protocols.ts";
import { scoreFiles } from "../../src/evaluation/score-files.ts";
import { languageFolder, languageSets } from "./golden-language.ts";

const folder = mkdtempSync(join(tmpdir(), "eval-files-"));
after(() => rmSync(folder, { recursive: true }));
const asked = { type: "bbox", subset: "", boxes: "any" } as const;

for (const { name, read } of languageSets("vqa", "results.json"))
  test(`${name}: the published files are scored by the protocol vqa`, async () => {
    const at = (file: string) => join(languageFolder, name, file);
    const files = { groundTruth: at("annotations.json"), detections: at("results.json") };
    const { metrics, rows } = await scoreFiles({ protocol: "vqa", ...files, ...asked });
    const { unrounded } = read<{ unrounded: { overall: number; perQuestionType: Record<string, number> } }>(
      "expected.json",
    );
    assert.ok(Math.abs(metrics.accuracy! - unrounded.overall) <= 1e-10);
    assert.deepEqual(rows.map((row) => row.name).sort(), Object.keys(unrounded.perQuestionType).sort());
  });

for (const { name, read } of languageSets("caption", "annotations.json"))
  test(`${name}: the published files are scored by the protocol captions`, async () => {
    const at = (file: string) => join(languageFolder, name, file);
    const files = { groundTruth: at("annotations.json"), detections: at("results.json") };
    const { metrics } = await scoreFiles({ protocol: "captions", ...files, ...asked });
    const { CIDEr, Bleu } = read<{ CIDEr: number; Bleu: number[] }>("expected.json");
    assert.ok(Math.abs(metrics.CIDEr! - CIDEr) <= 1e-10 && Math.abs(metrics.Bleu_4! - Bleu[3]!) <= 1e-10);
  });

test("malformed files are refused with every place that is wrong, and a model is not run", async () => {
  const write = (name: string, content: unknown) => {
    writeFileSync(join(folder, name), JSON.stringify(content, null, 1));
    return join(folder, name);
  };
  const question = { question_id: 1, question_type: "what", answer_type: "other", answers: [{ answer: "cat" }] };
  const annotations = write("annotations.json", {
    annotations: [question, question, { ...question, question_id: 2, answers: [] }],
  });
  assert.throws(
    () => readVqaAnnotations(annotations),
    /annotations\.json \$\.annotations\[2\]: must have answers[\s\S]*question 1 stands twice/,
  );
  assert.throws(
    () => readVqaAnnotations(write("twice.json", { annotations: [question, question] })),
    /question 1 stands twice/,
  );
  assert.throws(
    () => readVqaAnswers(write("answers.json", [{ question_id: 1 }])),
    /answers\.json \$\[0\]: must have question_id and answer/,
  );
  assert.throws(() => readVqaAnswers(write("none.json", {})), /must be a list of answers/);
  assert.throws(() => readCaptionResults(write("captions.json", [{ image_id: 1 }])), /must have image_id and caption/);
  const request = { data: folder, subset: "", options: {} };
  for (const protocol of ["vqa", "captions"] as const) {
    const row = await protocolRows[protocol]();
    await assert.rejects(
      row.plan(request, "out.json"),
      new RegExp(`--protocol ${protocol} scores a file of .* --ground-truth`),
    );
  }
});
