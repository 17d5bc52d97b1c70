import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluateFlickr30k } from "./flickr30k.ts";
import { phraseMistakes } from "./phrase-mistakes.ts";

const phrase = (words: string, id: string, type: string) => ({ phrase: words, phrase_id: id, phrase_type: [type] });

test("missed phrases are listed with the phrase that their best box is on, the largest first", () => {
  const truth = [
    {
      ...{ id: "7", file: "7.jpg", width: 100, height: 100 },
      boxes: { man: [[0, 0, 40, 40]], shirt: [[10, 10, 20, 20]], dog: [[50, 50, 100, 100]] },
      sentences: [
        [
          phrase("A man", "man", "people"),
          phrase("a shirt", "shirt", "clothing"),
          phrase("the sky", "sky", "scene"),
          phrase("his dog", "dog", "animals"),
        ],
      ],
    },
  ];
  const far = [90, 0, 95, 5];
  const predictions = [
    { image_id: 7, sentence_id: 0, boxes: [[[0, 0, 40, 40]], [[0, 0, 40, 40]], [far, [50, 50, 60, 60]]] },
  ];
  const evaluation = evaluateFlickr30k(truth, predictions);
  const types = Object.keys(evaluation.counts).sort();
  const place = (type: string) => types.indexOf(type);
  const told = phraseMistakes({ truth, predictions, evaluation, boxes: "any" }, { types, most: 5 });
  assert.deepEqual(
    told.misses.map(({ name, xywh, nearest }) => [name, xywh, nearest?.name, nearest?.overlap]),
    [
      ["his dog", [50, 50, 50, 50], "his dog", 0],
      ["a shirt", [10, 10, 10, 10], "A man", 1],
    ],
  );
  assert.deepEqual(
    told.confusion.cells,
    [
      [place("people"), place("people"), 1],
      [place("clothing"), place("people"), 1],
      [place("animals"), -1, 1],
    ].sort((a, b) => a[0]! - b[0]!),
  );
});
