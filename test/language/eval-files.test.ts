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

for (const { name, read } of languageSets("refexp", "expected.json"))
  test(`${name}: MDETR's files are scored by the protocol refcoco`, async () => {
    const at = (file: string) => join(languageFolder, name, file);
    const files = { groundTruth: at("annotations.json"), detections: at("predictions.json") };
    const { metrics, rows } = await scoreFiles({ protocol: "refcoco", ...files, ...asked });
    const expected = read<{
      accuracyPlainIoU: number;
      accuracyInclusive: number;
      mdetr: Record<string, { "P@1,5,10": number[] }>;
      perExpression: { iou: number[] }[];
    }>("expected.json");
    const firsts = expected.perExpression.map(({ iou }) => iou[0]!);
    assert.ok(Math.abs(metrics.accuracy! - expected.accuracyPlainIoU) <= 1e-10);
    assert.ok(Math.abs(metrics.accuracyInclusive! - expected.accuracyInclusive) <= 1e-10);
    assert.ok(Math.abs(metrics.meanIoU! - firsts.reduce((a, b) => a + b, 0) / firsts.length) <= 1e-5);
    for (const row of rows)
      Object.values(row.metrics).forEach((share, k) => {
        assert.ok(Math.abs(share - expected.mdetr[row.name]!["P@1,5,10"][k]!) <= 1e-10);
      });
  });

for (const { name, read } of languageSets("phrasecut", "expected.json"))
  test(`${name}: tasks and masks are scored by the protocol phrasecut`, async () => {
    const at = (file: string) => join(languageFolder, name, file);
    const files = { groundTruth: at("annotations.json"), detections: at("predictions.json") };
    const { metrics, rows } = await scoreFiles({ protocol: "phrasecut", ...files, ...asked });
    const { subsets } = read<{ subsets: Record<string, { mean_mask_iou: number; cum_mask_iou: number }> }>(
      "expected.json",
    );
    for (const row of rows) {
      assert.ok(Math.abs(row.metrics.mean_mask_iou! - subsets[row.name]!.mean_mask_iou) <= 1e-10);
      assert.ok(Math.abs(row.metrics.cum_mask_iou! - subsets[row.name]!.cum_mask_iou) <= 1e-10);
    }
    assert.equal(metrics.mean_mask_iou, rows.find((row) => row.name === "all")!.metrics.mean_mask_iou);
    const twice = read<{ mask: number[] }[]>("predictions.json").slice(0, 2);
    const broken = join(folder, "broken.json");
    writeFileSync(broken, JSON.stringify([twice[0], twice[0], { ...twice[1], mask: [1] }]));
    await assert.rejects(
      scoreFiles({ protocol: "phrasecut", ...files, detections: broken, ...asked }),
      /\$\[1\]: task \S+ stands twice[\s\S]*\$\[2\]: run lengths cover 1 pixels, but the picture of/,
    );
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
  assert.throws(
    () =>
      readVqaAnswers(
        write(
          "two.json",
          [1, 1].map((question_id) => ({ question_id, answer: "cat" })),
        ),
      ),
    /two\.json \$\[1\]: question 1 is answered twice/,
  );
  assert.throws(() => readVqaAnswers(write("none.json", {})), /must be a list of answers/);
  assert.throws(() => readCaptionResults(write("captions.json", [{ image_id: 1 }])), /must have image_id and caption/);
  const request = { data: folder, subset: "", options: {} };
  for (const protocol of ["vqa", "captions", "refcoco", "phrasecut"] as const) {
    const row = await protocolRows[protocol]();
    await assert.rejects(
      row.plan(request, "out.json"),
      new RegExp(`--protocol ${protocol} scores a file of .* --ground-truth`),
    );
  }
});
