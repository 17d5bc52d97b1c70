import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { InputError } from "../../errors.ts";
import { captionOfClasses, cleanName, namesInPrompt, promptOfCaption, promptOfClasses } from "./prompts.ts";
import { WordPieces } from "./word-pieces.ts";

const pieces = WordPieces.parse(readFileSync(new URL("fixtures/vocab.txt", import.meta.url), "utf8"));
const refuses = (call: () => unknown, words: RegExp) =>
  assert.throws(call, (error) => error instanceof InputError && words.test(error.message));

test("names are cleaned as the reference cleans them", () => {
  const names = ["arctic_(type_of_shoe)", "__background__", "fog (x) and (y) z"].map(cleanName);
  assert.deepEqual(names, ["arctic ", " background ", "fog z"]);
});

test("class names make the reference's caption and spans (check vector V11)", () => {
  const { caption, spans } = captionOfClasses(["traffic_light", "dog", "cat (pet)"]);
  assert.equal(caption, "traffic light. dog. cat ");
  assert.deepEqual(spans, [
    [0, 13],
    [15, 18],
    [20, 24],
  ]);
});

test("words before and after a name are in the caption but not in its span (check vector V11)", () => {
  const { caption, spans } = captionOfClasses([
    { label: "a_b", prefix: "there are ", suffix: " here" },
    { label: "dog" },
    { label: "cat", suffix: " x" },
  ]);
  assert.equal(caption, "there are a b here. dog. cat x");
  assert.deepEqual(
    [spans[0], spans[2]],
    [
      [10, 13],
      [25, 28],
    ],
  );
});

test("the golden names get the golden tokens", () => {
  const { labels, passes } = promptOfClasses(pieces, namesInPrompt("person. bicycle. traffic light. red car."));
  assert.deepEqual(labels, ["person", "bicycle", "traffic light", "red car"]);
  assert.equal(passes.length, 1);
  assert.deepEqual(passes[0]!.labelTokens, [[1], [3], [5, 6], [8, 9]]);
  assert.equal(passes[0]!.ids.length, 11);
});

test("a prompt is split at points and lines, not within numbers", () => {
  assert.deepEqual(namesInPrompt("person. bicycle.car .\n 3.5 mm plug. person "), [
    "person",
    "bicycle",
    "car",
    "3.5 mm plug",
  ]);
});

test("an empty prompt is refused", () => {
  refuses(() => namesInPrompt(" . \n."), /" \. \\n\." has no names/);
  refuses(() => namesInPrompt(""), /"" has no names/);
  refuses(() => promptOfClasses(pieces, []), /no class names/);
});

test("labels are returned as written, each once", () => {
  const { labels, passes } = promptOfClasses(pieces, ["Traffic_Light", "dog", "Traffic_Light", "dog (pet)"]);
  assert.deepEqual(labels, ["Traffic_Light", "dog", "dog (pet)"]);
  assert.deepEqual(passes[0]!.classes, [0, 1, 2]);
});

test("several texts may share a label", () => {
  const { labels, passes } = promptOfClasses(pieces, [
    { label: "vehicle", name: "car" },
    "dog",
    { label: "vehicle", name: "bus" },
  ]);
  assert.deepEqual(labels, ["vehicle", "dog"]);
  assert.deepEqual(passes[0]!.classes, [0, 1, 0]);
  assert.equal(passes[0]!.caption, "car. dog. bus");
});

test("five thousand classes are split into passes that fit, and none is lost", () => {
  const names = Array.from({ length: 5000 }, (_, k) => `red car number ${k}`);
  const { labels, passes } = promptOfClasses(pieces, names);
  assert.deepEqual(labels, names);
  assert.ok(passes.length > 50);
  assert.deepEqual(
    passes.flatMap((pass) => pass.classes),
    [...names.keys()],
  );
  for (const pass of passes) {
    assert.ok(pass.ids.length <= 256);
    assert.deepEqual(pass.ids, pieces.encode(pass.caption).ids);
    pass.classes.forEach((label, k) => {
      const ids = pass.labelTokens[k]!.map((token) => pass.ids[token]!);
      assert.deepEqual(ids, [...pieces.encode(names[label]!).ids.subarray(1, -1)]);
    });
  }
  const full = passes.slice(0, -1).map((pass) => pass.ids.length);
  assert.ok(Math.min(...full) > 240);
});

test("a caption with the maximum number of tokens is one pass, and with one more it is two", () => {
  const names = Array.from({ length: 127 }, (_, k) => ({ label: `${k}`, name: k === 0 ? "red car" : "dog" }));
  const exact = promptOfClasses(pieces, names);
  assert.deepEqual(
    exact.passes.map((pass) => pass.ids.length),
    [256],
  );
  const over = promptOfClasses(pieces, [...names, { label: "last", name: "red" }]);
  assert.deepEqual(
    over.passes.map((pass) => pass.ids.length),
    [256, 3],
  );
});

test("chunks for evaluation have the given number of classes", () => {
  const { passes } = promptOfClasses(pieces, ["dog", "cat", "car", "bus", "red"], { classesPerPass: 2 });
  assert.deepEqual(
    passes.map((pass) => pass.caption),
    ["dog. cat", "car. bus", "red"],
  );
});

test("names without a word and names too long for the model are all reported", () => {
  const long = Array.from({ length: 300 }, () => "dog").join(" ");
  refuses(
    () => promptOfClasses(pieces, ["dog", "(all in brackets)", "\0", "   ", long]),
    /without words: "\(all in brackets\)", "\\u0000", " {3}"; "dog dog.*…" alone has more than the 254 tokens/,
  );
});

test("emoji and other scripts are names like any other", () => {
  const { labels, passes } = promptOfClasses(pieces, ["🐶", "собака", "犬", "كلب", "do\0g"]);
  assert.deepEqual(labels, ["🐶", "собака", "犬", "كلب", "do\0g"]);
  assert.ok(passes[0]!.labelTokens.every((tokens) => tokens.length > 0));
});

test("phrases of a caption are found by their words or characters", () => {
  const prompt = promptOfCaption(pieces, "A red car and a dog.", ["a dog", [2, 9]]);
  assert.deepEqual(prompt.labels, ["a dog", "red car"]);
  assert.deepEqual(prompt.passes[0]!.labelTokens, [
    [5, 6],
    [2, 3],
  ]);
  assert.deepEqual(prompt.spans, [
    [14, 19],
    [2, 9],
  ]);
});

test("captions without phrases, too long ones and spans outside are refused", () => {
  refuses(() => promptOfCaption(pieces, "a dog", []), /no phrase to find in the caption "a dog"/);
  refuses(
    () =>
      promptOfCaption(pieces, "a dog", [
        [7, 9],
        [1, 1],
      ]),
    /has no word at \[7, 9\) "", \[1, 1\) ""/,
  );
  refuses(() => promptOfCaption(pieces, "dog ".repeat(255), ["dog"]), /has 257 tokens; the model reads 256/);
});
