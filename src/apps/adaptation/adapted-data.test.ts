import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readGroundTruth } from "../../data/readers/ground-truth.ts";
import { WordPieces } from "../../inputs/words/word-pieces.ts";
import { AnyWords } from "../../inputs/words/words.ts";
import { glip } from "../../models/glip/glip.ts";
import { tinyConfig, vocabulary } from "../../tasks/grounding/fixtures/tiny-model.ts";
import { readAdaptedData, refuseOtherClasses, splitsOf } from "./adapted-data.ts";

const root = mkdtempSync(join(tmpdir(), "adapted-data-"));
after(() => rmSync(root, { recursive: true }));
const model = { model: glip(tinyConfig), words: new AnyWords(WordPieces.parse(readFileSync(vocabulary, "utf8"))) };
const picture = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

/** Writes a set of these class names, with a box of each class whose id is given. */
function written(names: readonly string[], boxed: readonly number[]): string {
  const data = join(root, "annotations.json");
  writeFileSync(join(root, "one.png"), picture);
  const box = { image_id: 1, bbox: [2, 2, 20, 20], area: 400, iscrowd: 0 };
  const truth = {
    images: [{ id: 1, file_name: "one.png", width: 64, height: 64 }],
    categories: names.map((name, i) => ({ id: i + 1, name })),
    annotations: boxed.map((category_id, i) => ({ ...box, id: i + 1, category_id })),
  };
  writeFileSync(data, JSON.stringify(truth));
  return data;
}

const refused = (names: readonly string[], boxed: readonly number[], message: RegExp) =>
  assert.rejects(readAdaptedData({ data: written(names, boxed), images: root }, model), {
    name: "InputError",
    message,
  });

test("a valid set is read with its classes in order and one prompt for them", async () => {
  const { names, classes, prompt } = await readAdaptedData(
    { data: written(["dog", "cat"], [2, 1]), images: root },
    model,
  );
  assert.deepEqual(names, ["dog", "cat"]);
  assert.deepEqual(classes, [["cat", "dog"]]);
  assert.equal(prompt.passes[0]!.caption, "dog. cat");
});

test("a set that cannot be trained on is refused with its name and its problems", async () => {
  await refused(
    ["dog", "cat", "owl"],
    [1],
    /annotations\.json cannot be used for training: there are no boxes of "cat", "owl"/,
  );
  await refused(
    ["dog", "cat"],
    [1, 9, 2],
    /annotations\.json \$\.annotations\[1\]: there is no category with the id 9/,
  );
  await refused(["dog"], [], /annotations\.json has no picture with a box/);
  await refused(["dog", ""], [1, 2], /without words: ""/);
  await refused(["dog", " () "], [1, 2], /without words:/);
  await refused([Array(300).fill("dog").join(" ")], [1], /more than the 30 tokens/);
  await refused(["fire_truck", "fire truck"], [1, 2], /two classes have the same name for the model, "fire truck"/);
});

test("a split with other classes, or in another order, is refused", async () => {
  const copy = (name: string, names: readonly string[]) => {
    const file = join(root, name);
    writeFileSync(file, readFileSync(written(names, [1])));
    return { data: file };
  };
  const train = copy("train.json", ["dog", "cat"]);
  await refuseOtherClasses({ train, valid: copy("valid.json", ["dog", "cat"]) });
  for (const names of [["cat", "dog"], ["dog"]])
    await assert.rejects(refuseOtherClasses({ train, test: copy("test.json", names) }), {
      name: "InputError",
      message: /test\.json has the classes .*but .*train\.json has dog, cat; give all splits the same classes/,
    });
});

test("splits are the folders train, valid and test; without them, all pictures are for training", async () => {
  const file = written(["dog"], [1]);
  for (const split of ["train", "valid"]) {
    mkdirSync(join(root, "set", split), { recursive: true });
    writeFileSync(join(root, "set", split, "annotations_without_background.json"), readFileSync(file));
  }
  const of = (split: string) => {
    const data = join(root, "set", split, "annotations_without_background.json");
    return { data, as: "coco" };
  };
  assert.deepEqual(splitsOf(join(root, "set")), { train: of("train"), valid: of("valid") });
  assert.equal(splitsOf(file).train.data, file);
  assert.deepEqual(splitsOf(join(root, "set"), { split: "valid" }), { train: of("valid") });
  // Each is found again, whatever its layout.
  const xml = `<annotation><filename>one.png</filename><size><width>64</width><height>64</height></size><object><name>dog</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>20</xmax><ymax>20</ymax></bndbox></object></annotation>`;
  mkdirSync(join(root, "yolo"));
  writeFileSync(join(root, "yolo", "data.yaml"), "train: ../train/images\nval: ../valid/images\nnames: [dog]\n");
  for (const split of ["train", "valid"]) {
    mkdirSync(join(root, "voc", split), { recursive: true });
    writeFileSync(join(root, "voc", split, "one.xml"), xml);
    writeFileSync(join(root, "set", split, "one.png"), picture);
    writeFileSync(join(root, "voc", split, "one.png"), picture);
    for (const [folder, name, content] of [
      ["images", "one.png", picture],
      ["labels", "one.txt", "0 0.5 0.5 1 1\n"],
    ] as const) {
      mkdirSync(join(root, "yolo", split, folder), { recursive: true });
      writeFileSync(join(root, "yolo", split, folder, name), content);
    }
  }
  for (const name of ["set", "voc", "yolo"]) {
    const splits = splitsOf(join(root, name));
    await refuseOtherClasses(splits);
    for (const files of [splits.train, splits.valid!])
      assert.deepEqual(
        (await readGroundTruth(files.data, files)).truth.categories.map(({ name }) => name),
        ["dog"],
      );
  }
  assert.throws(() => splitsOf(join(root, "gone")), { name: "InputError", message: /gone does not exist/ });
});
