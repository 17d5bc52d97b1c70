import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { phraseKeys } from "../../inputs/words/phrase-norm.ts";
import {
  type ContrastColumn,
  type ContrastRegion,
  defaultPropagation,
  type Propagation,
  paperPropagation,
  propagate,
  type Source,
  scopeOf,
  softWeight,
  takeTurns,
} from "./propagation.ts";

/** An example of a batch: its text as tokens, each with the phrases that hold it, and the phrases that name each region. */
interface Example {
  source: Source;
  image?: number;
  tokens: readonly (string | readonly string[] | null)[];
  regions: readonly (readonly string[])[];
}

/** Rows of the target matrix as text: + positive, - negative, ? ignored, digits for tenths. */
function drawn(
  examples: readonly Example[],
  rules: Propagation | ((keyOf: (phrase: string) => number) => Propagation),
): string[] {
  const keys = phraseKeys();
  const keyOf = (phrase: string) => keys.keyOf(phrase)!;
  const phrasesOf = (token: Example["tokens"][number]) =>
    token === null ? [] : typeof token === "string" ? [token] : token;
  const of = ({ source, image }: Example, sample: number) => ({ sample, image: image ?? 100 + sample, source });
  const columns = examples.flatMap((example, sample) =>
    example.tokens.map(
      (token, at): ContrastColumn => ({ ...of(example, sample), positions: [at], keys: phrasesOf(token).map(keyOf) }),
    ),
  );
  const regions = examples.flatMap((example, sample) =>
    example.regions.map(
      (names): ContrastRegion => ({
        ...of(example, sample),
        keys: names.map(keyOf),
        own: example.tokens.flatMap((token, at) =>
          phrasesOf(token).some((phrase) => names.includes(phrase)) ? [at] : [],
        ),
      }),
    ),
  );
  const { target, ignore } = propagate(regions, columns, typeof rules === "function" ? rules(keyOf) : rules);
  return regions.map((_, r) =>
    columns
      .map((_, c) => {
        const at = r * columns.length + c;
        if (ignore[at]) return "?";
        return target[at] === 1 ? "+" : target[at] === 0 ? "-" : String(Math.round(10 * target[at]!));
      })
      .join(""),
  );
}

const cats: Example = { source: "det", tokens: [null, "cat", null, "dog", null], regions: [["cat"], ["dog"]] };
const dogs: Example = { source: "det", tokens: [null, "dog", null, "person", null], regions: [["dog"], ["person"]] };
const sentence: Example = {
  source: "ground",
  tokens: [null, "a dog", "a dog", null, "the cat", "the cat"],
  regions: [["a dog"]],
};

const batches: Record<string, [readonly Example[], Parameters<typeof drawn>[1], string[]]> = {
  "1. equal names in detection data are positive": [
    [cats, dogs],
    defaultPropagation,
    ["-+---" + "-----", "---+-" + "-+---", "---+-" + "-+---", "-----" + "---+-"],
  ],
  "2. a sentence's equal phrase is ignored by default, in both directions": [
    [cats, sentence],
    defaultPropagation,
    ["-+---" + "----??", "---+-" + "-??---", "---?-" + "-++---"],
  ],
  "3. as published, it is negative": [
    [cats, sentence],
    paperPropagation,
    ["-+---------", "---+-------", "------++---"],
  ],
  "4. everywhere positive, if so told": [
    [cats, sentence],
    { match: "exact", scope: scopeOf("pos"), hierarchy: "neg" },
    ["-+---" + "----++", "---+-" + "-++---", "---+-" + "-++---"],
  ],
  "5. a caption's phrases have a scope of their own": [
    [cats, { source: "caption", tokens: ["cat", null], regions: [["cat"]] }],
    { match: "exact", scope: scopeOf("neg", { "det->caption": "pos", "caption->det": "ignore" }), hierarchy: "neg" },
    ["-+---" + "+-", "---+---", "-?---" + "+-"],
  ],
  "6. two texts of one picture: equal names are positive, all else is ignored": [
    [
      { source: "ground", image: 7, tokens: [null, "a dog"], regions: [["a dog"]] },
      { source: "ground", image: 7, tokens: ["the dog", "a man"], regions: [["a man"]] },
    ],
    defaultPropagation,
    ["-+" + "+?", "??" + "-+"],
  ],
  "7. a phrase in two places, and a token in two phrases": [
    [
      { source: "det", tokens: ["cat", null, "cat"], regions: [["cat"]] },
      { source: "det", tokens: [["red cat", "cat"], "dog"], regions: [["dog"]] },
    ],
    defaultPropagation,
    ["+-+" + "+-", "---" + "-+"],
  ],
  "8. padding and separators, which no phrase holds, are negative": [
    [
      { source: "det", tokens: ["cat", null, null, null], regions: [["cat"]] },
      { source: "det", tokens: ["cat", null], regions: [["cat"]] },
    ],
    defaultPropagation,
    ["+---" + "+-", "+---" + "+-"],
  ],
  "9. names decide, not the numbers of classes in their datasets": [
    // Class 3 of the first set is "cat", class 3 of the second "sofa"; "Cats_(animal)" of the second is not "cat" either.
    [
      { source: "det", tokens: ["cat", "couch"], regions: [["cat"]] },
      { source: "det", tokens: ["sofa", "the Cat"], regions: [["sofa"], ["the Cat"]] },
    ],
    defaultPropagation,
    ["+-" + "-+", "--" + "+-", "+-" + "-+"],
  ],
  "10. a kind of a thing is ignored, positive upwards, or negative": [
    [
      { source: "det", tokens: ["woman"], regions: [["woman"]] },
      { source: "det", tokens: ["person"], regions: [["person"]] },
    ],
    (keyOf) => ({
      ...defaultPropagation,
      hierarchy: "up",
      below: (key, other) => key === keyOf("woman") && other === keyOf("person"),
    }),
    ["++", "?+"],
  ],
  "11. similar names have a share, which can be ignored instead": [
    [cats, dogs],
    (keyOf) => ({
      match: (key, other) =>
        key === other ? 1 : key + other === keyOf("cat") + keyOf("person") ? softWeight(0.85) : 0,
      scope: scopeOf("pos"),
      hierarchy: "neg",
    }),
    ["-+---" + "---5-", "---+-" + "-+---", "---+-" + "-+---", "-5---" + "---+-"],
  ],
  "12. without propagation other texts are negative": [
    [cats, dogs],
    { ...defaultPropagation, match: "none" },
    ["-+--------", "---+------", "------+---", "--------+-"],
  ],
};

for (const [name, [examples, rules, expected]] of Object.entries(batches))
  test(name, () => {
    assert.deepEqual(drawn(examples, rules), expected);
  });

test("the first object of a picture gives regions as any other", () => {
  assert.deepEqual(takeTurns([0, 0, 1, 0, 2], 3), [0, 2, 4]);
  assert.deepEqual(takeTurns([0], 5), [0]);
  assert.deepEqual(takeTurns([1, 0, 0, 0, 1], 4), [0, 1, 2, 4]);
  assert.deepEqual(takeTurns([], 5), []);
});

test("permuting examples permutes the targets, and a batch of one has its own block alone", () => {
  const example = fc.record({
    source: fc.constantFrom<Source>("det", "ground", "caption"),
    tokens: fc.array(fc.option(fc.constantFrom("cat", "dog", "red cat")), { minLength: 1, maxLength: 4 }),
    regions: fc.array(fc.array(fc.constantFrom("cat", "dog", "red cat"), { minLength: 1, maxLength: 2 }), {
      maxLength: 2,
    }),
  });
  fc.assert(
    fc.property(example, example, (a, b) => {
      const both = drawn([a, b], defaultPropagation);
      const turned = drawn([b, a], defaultPropagation);
      const [first, second] = [a.tokens.length, b.tokens.length];
      const swapped = turned.map((row) => row.slice(second) + row.slice(0, second));
      const rows = [...swapped.slice(b.regions.length), ...swapped.slice(0, b.regions.length)];
      assert.deepEqual(rows, both);
      assert.deepEqual(
        drawn([a], defaultPropagation),
        both.slice(0, a.regions.length).map((row) => row.slice(0, first)),
      );
    }),
    { seed: 5, numRuns: 200 },
  );
});
