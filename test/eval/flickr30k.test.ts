import assert from "node:assert/strict";
import { test } from "node:test";
import { type FlickrDetections, type FlickrPrediction, truthOfEntities } from "../../src/data/readers/flickr-truth.ts";
import { readFlickr30k } from "../../src/data/readers/flickr30k.ts";
import { evaluateFlickr30k, groupByPhrase } from "../../src/metrics/flickr30k.ts";
import { goldenCopies } from "./golden.ts";

interface GoldenRecall {
  recall: Record<string, Record<string, number>>;
  counts: Record<string, Record<string, number>>;
  phrases: [string, number, number, string, (number | null)[], (0 | 1)[]][];
}

for (const { folder, read } of goldenCopies("flickr-1")) {
  const copy = folder.includes("fixtures") ? "committed" : "all";

  test(`Flickr30k's files are read as the reference reads them (${copy})`, async () => {
    const parsed =
      read<Record<string, { annotations: unknown; sentences: unknown; evaluated: (string[] | null)[] }>>("parsed.json");
    const images = (await Promise.all(["test", "val"].map((subset) => readFlickr30k(folder, subset)))).flat();
    for (const [id, { annotations, sentences, evaluated }] of Object.entries(parsed)) {
      const image = images.find((candidate) => candidate.id === id);
      assert.ok(image, id);
      assert.deepEqual({ annotations: image.annotations, sentences: image.sentences }, { annotations, sentences });
      const ids = image.sentences.map(({ phrases }) =>
        phrases.map((phrase) => phrase.phrase_id).filter((phrase) => phrase in image.annotations.boxes),
      );
      assert.deepEqual(
        ids,
        evaluated.map((phrases) => phrases ?? []),
      );
    }
  });

  test(`Recall@k equals the reference's for any box and for merged boxes (${copy})`, async () => {
    const expected = read<
      Record<"anyBox" | "mergedBoxes", GoldenRecall> & { groupedFromDetections: FlickrPrediction[] }
    >("expected.json");
    const grouped = groupByPhrase(read<FlickrDetections[]>("detections.json"));
    assert.deepEqual(grouped, expected.groupedFromDetections);
    const predictions = [...read<FlickrPrediction[]>("predictions.json"), ...grouped];
    const truth = truthOfEntities(await readFlickr30k(folder, "test"));
    for (const [key, boxes] of [
      ["anyBox", "any"],
      ["mergedBoxes", "merged"],
    ] as const) {
      const { recall, counts, phrases } = evaluateFlickr30k(truth, predictions, boxes);
      assert.deepEqual(recall, expected[key].recall);
      for (const [type, { phrases: total, ...hits }] of Object.entries(expected[key].counts)) {
        assert.equal(counts[type]!.phrases, total);
        assert.deepEqual(counts[type]!.hits, Object.values(hits));
      }
      const rows = phrases.map(({ image, sentence, phrase, id, overlaps, hits }) => [
        image,
        sentence,
        phrase,
        id,
        overlaps.map((overlap) => (Number.isNaN(overlap) ? null : overlap)),
        hits.map(Number),
      ]);
      assert.deepEqual(rows, expected[key].phrases);
    }
  });
}
