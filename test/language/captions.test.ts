import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../src/errors.ts";
import {
  type CaptionEvaluation,
  evaluateCaptions,
  scoreCaptions,
} from "../../src/metrics/captions/evaluate-captions.ts";
import { captionWords, ptbTokens } from "../../src/metrics/captions/ptb-tokens.ts";
import { languageSets, needsLanguage } from "./golden-language.ts";

const skip = needsLanguage;
type Id = number;

interface Expected extends CaptionEvaluation {
  subset: Scores & { images: Id[] };
  single: Scores & { image: Id };
  singlePerfect: Scores & { image: Id; candidate: string };
}
type Scores = Pick<CaptionEvaluation, "Bleu" | "ROUGE_L" | "CIDEr">;
interface Tokenised {
  references: Record<string, string[]>;
  candidates: Record<string, string>;
}
interface Captions {
  images: { id: Id }[];
  annotations: { image_id: Id; caption: string }[];
}

function assertScores(found: Scores, expected: Scores, what: string): void {
  const numbers = ({ Bleu, ROUGE_L, CIDEr }: Scores) => [...Bleu, ROUGE_L, CIDEr];
  numbers(expected).forEach((value, i) => {
    assert.ok(Math.abs(numbers(found)[i]! - value) <= 1e-10, `${what} ${i}: ${numbers(found)[i]}, not ${value}`);
  });
}

test("texts are taken apart as the Penn Treebank tokenizer does, and punctuation is dropped as the caption tools do", {
  skip,
}, () => {
  const sets = languageSets("tokenizer", "tokens.json");
  for (const { read } of sets) {
    const rows = read<[string, string, string][]>("tokens.json");
    const texts = rows.map(([text]) => text);
    const tokens = ptbTokens(texts).map((line) => line.join(" "));
    assert.deepEqual(
      texts.map((text, i) => [text, tokens[i], captionWords(texts)[i]]),
      rows,
    );
  }
  assert.ok(sets.length > 0);
});

for (const { name, read } of languageSets("caption", "tokenized.json"))
  test(`${name}: BLEU, ROUGE-L and CIDEr-D of tokenised captions are the caption tools'`, () => {
    const { references, candidates } = read<Tokenised>("tokenized.json");
    const expected = read<Expected>("expected.json");
    const scored = (images: readonly Id[], instead?: string) =>
      scoreCaptions(
        images,
        images.map((id) => ({ candidate: instead ?? candidates[id]!, references: references[id]! })),
      );
    const found = scored(expected.images as Id[]);
    assertScores(found, expected, name);
    expected.images.forEach((id, i) => {
      const of = ({ perImage: { Bleu, ROUGE_L, CIDEr } }: CaptionEvaluation) => ({
        Bleu: Bleu.map((scores) => scores[i]!),
        ROUGE_L: ROUGE_L[i]!,
        CIDEr: CIDEr[i]!,
      });
      assertScores(of(found), of(expected), `${name} image ${id}`);
    });
    if (!expected.subset) return;
    assertScores(scored(expected.subset.images), expected.subset, "subset");
    assertScores(scored([expected.single.image]), expected.single, "single");
    const { image, candidate } = expected.singlePerfect;
    assertScores(scored([image], candidate), expected.singlePerfect, "perfect");
  });

for (const { name, read } of languageSets("caption", "annotations.json")) {
  const truth = () => read<Captions>("annotations.json");
  const results = () => read<{ image_id: Id; caption: string }[]>("results.json");

  test(`${name}: raw captions are tokenised and scored as the caption tools do`, () => {
    const { annotations } = truth();
    const expected = read<Expected>("expected.json");
    const { references, candidates } = read<Tokenised>("tokenized.json");
    const images = expected.images as Id[];
    const words = captionWords(images.map((id) => results().find(({ image_id }) => image_id === id)!.caption));
    assert.deepEqual(
      words,
      images.map((id) => candidates[id]),
    );
    const theirs = images.flatMap((id) => annotations.flatMap((a) => (a.image_id === id ? [a.caption] : [])));
    assert.deepEqual(
      captionWords(theirs),
      images.flatMap((id) => references[id]!),
    );
    assertScores(evaluateCaptions(images, annotations, results()), expected, name);
  });

  test(`${name}: a picture without a caption or with two is refused by name`, () => {
    const { images, annotations } = truth();
    const ids = images.map(({ id }) => id);
    const [first, ...rest] = results();
    const missing = new RegExp(`image ${first!.image_id}: no caption`);
    assert.throws(() => evaluateCaptions(ids, annotations, rest), missing);
    const twice = [first!, first!, ...rest];
    assert.throws(() => evaluateCaptions(ids, annotations, twice), new RegExp(`image ${first!.image_id}: 2 captions`));
    assert.throws(() => evaluateCaptions([], annotations, []), InputError);
  });
}

test("the worked example comes out", () => {
  const pairs = [
    {
      candidate: "a man riding a brown horse on the beach",
      references: ["a man rides a brown horse along the beach", "a person riding a horse on the beach"],
    },
    {
      candidate: "two dogs play in the grass",
      references: ["two dogs playing in a grassy field", "a pair of dogs play in the grass"],
    },
    {
      candidate: "a plate of food on a table",
      references: ["a white plate topped with food", "a plate of food sits on a wooden table"],
    },
  ];
  const { Bleu, ROUGE_L, CIDEr, perImage } = scoreCaptions([1, 2, 3], pairs);
  const rounded = (values: readonly number[]) => values.map((value) => value.toFixed(6));
  assert.deepEqual(rounded(Bleu), ["1.000000", "0.917663", "0.749512", "0.599948"]);
  assert.deepEqual(rounded([...perImage.ROUGE_L, ROUGE_L]), ["0.832359", "0.696347", "0.855711", "0.794806"]);
  assert.deepEqual(rounded([...perImage.CIDEr, CIDEr]), ["3.826977", "3.965312", "2.864878", "3.552389"]);
});
