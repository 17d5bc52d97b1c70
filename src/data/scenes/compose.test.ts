import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { composeScene, loadWorld } from "./index.ts";
import { readNameTable } from "./names.ts";
import { lookOf } from "./paint.ts";
import { writeSprites } from "./sprites.ts";
import { isHeldOutPair } from "./world.ts";

const folder = mkdtempSync(join(tmpdir(), "sprites-"));
after(() => rmSync(folder, { recursive: true }));
const world = loadWorld(folder, { names: "everyday" });
const seeds = Array.from({ length: 60 }, (_, seed) => seed);

test("a seed gives the same scene whatever came before, from rendered and from stored sprites", () => {
  const print = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  const first = composeScene(world, 7, { width: 96, height: 80 });
  composeScene(world, 8);
  const again = composeScene(loadWorld(folder, { names: "everyday" }), 7, { width: 96, height: 80 });
  assert.equal(print(first.picture.data), print(again.picture.data));
  assert.deepEqual({ ...first, picture: 0 }, { ...again, picture: 0 });
  assert.equal(first.picture.data.length, 96 * 80 * 3);
});

test("boxes are exactly the extent of each object's pixels", () => {
  for (const seed of seeds) {
    const { objects, owners } = composeScene(world, seed, { width: 120, height: 90 });
    assert.ok(objects.length >= 1 && objects.length <= 6);
    objects.forEach(({ box: [left, top, right, bottom], visible }, i) => {
      const mine = [...owners.keys()].filter((at) => owners[at] === i + 1);
      const xs = mine.map((at) => at % 120);
      const ys = mine.map((at) => Math.floor(at / 120));
      const extent = [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
      assert.deepEqual([left, top, right, bottom], extent);
      assert.ok(visible > 0.5 && visible <= 1, `object ${i} of seed ${seed} is visible to ${visible}`);
    });
  }
});

test("each phrase is at its span and names one kind of thing, and every thing has a phrase", () => {
  for (const seed of seeds) {
    const { objects, caption, phrases } = composeScene(world, seed, { width: 96, height: 96 });
    for (const { text, span, objects: meant } of phrases) {
      assert.equal(caption.slice(...span), text);
      assert.equal(new Set(meant.map((i) => objects[i]?.name)).size, 1);
    }
    assert.deepEqual(new Set(phrases.flatMap((phrase) => phrase.objects)), new Set(objects.keys()));
  }
});

test("splits share no scene, and the style split has only styles that are not in training", () => {
  const seen = loadWorld(folder, { split: "seen", names: "everyday" });
  const style = loadWorld(folder, { split: "style", names: "everyday" });
  assert.notDeepEqual(composeScene(world, 1).picture.data, composeScene(seen, 1).picture.data);
  const stylesOf = (of: typeof world) =>
    new Set(seeds.flatMap((s) => composeScene(of, s, { width: 64, height: 64 }).objects.map((o) => o.style)));
  assert.deepEqual([...stylesOf(style)], ["noto-v1"]);
  assert.ok(!stylesOf(world).has("noto-v1"));
});

test("training never paints a held-out pair, and the compose split paints nothing else", () => {
  const compose = loadWorld(folder, { split: "compose", names: "everyday" });
  for (const [of, heldOut] of [
    [world, false],
    [compose, true],
  ] as const) {
    let painted = 0;
    for (const seed of seeds)
      for (const { name, style, icon, attributes } of composeScene(of, seed, { width: 64, height: 64 }).objects) {
        const sprite = of.sprites
          .get(name)
          ?.flat()
          .find((s) => s.style === style && s.icon === icon);
        assert.ok(sprite);
        if (attributes.colour === lookOf(sprite).word) continue;
        painted++;
        assert.equal(isHeldOutPair(attributes.colour as "red", name), heldOut);
        const natural = world.sprites
          .get(name)
          ?.flat()
          .some((drawing) => lookOf(drawing).word === attributes.colour);
        assert.ok(!heldOut || !natural, `training shows ${attributes.colour} ${name}`);
      }
    assert.ok(painted > 20, `${painted} painted things`);
  }
});

test("rendered models are added to the training splits, with their own names, if enabled", () => {
  const options = { names: ["apple", "table"], models: true };
  assert.throws(() => loadWorld(join(folder, "elsewhere"), options), /models\.sprites is missing; make it/);
  const pixels = new Uint8Array(8 * 8 * 4).fill(255);
  const models = ["apple", "table", "tiger"].map((name) => ({
    name,
    style: "models",
    icon: "x",
    width: 8,
    height: 8,
    pixels,
  }));
  writeSprites(join(folder, "models.sprites"), models);
  const both = loadWorld(folder, options);
  assert.deepEqual(
    new Set(
      both.sprites
        .get("table")
        ?.flat()
        .map((s) => s.style),
    ),
    new Set(["models"]),
  );
  assert.ok(
    both.sprites
      .get("apple")
      ?.flat()
      .some((s) => s.style === "models"),
  );
  assert.ok(!loadWorld(folder, { models: true }).names.includes("tiger"), "kept out of training");
  assert.ok(!loadWorld(folder, { split: "style", models: true }).names.includes("table"));
});

test("more drawings and names are added to training only", () => {
  const usual = loadWorld(folder, {});
  const wide = loadWorld(folder, { more: true });
  const styles = (name: string) => new Set(wide.sprites.get(name)?.map((drawings) => drawings[0]!.style));
  assert.ok(wide.names.length > usual.names.length + 300);
  const shown = new Set([...wide.sprites.values()].flat(2).map(({ style, icon }) => `${style}:${icon}`));
  for (const [style, icons] of readNameTable().more)
    for (const id of [...icons.values()].flat()) assert.ok(shown.has(`${style}:${id}`), `${style} has no ${id}`);
  assert.ok(styles("apple").has("twemoji") && styles("apple").has("game-icons"));
  assert.ok(!usual.names.includes("submarine") && styles("submarine").has("mdi"));
  const seen = loadWorld(folder, { split: "seen", more: true });
  assert.deepEqual(seen.names, loadWorld(folder, { split: "seen" }).names);
});

test("names that the split does not have are refused together", () => {
  assert.throws(
    () => loadWorld(folder, { names: ["apple", "unicorn", "wyvern"] }),
    /unicorn, wyvern; its names are apple/,
  );
  assert.equal(loadWorld(folder, { names: "everyday" }).names.length, 50);
  assert.deepEqual(loadWorld(folder, { names: ["dog", "apple"] }).names, ["dog", "apple"]);
});

test("given drawings, scenes are the same bytes on every machine and in every version", () => {
  const pixels = Uint8Array.from({ length: 40 * 30 * 4 }, (_, at) => (at % 4 === 3 ? 255 : (at * 7) % 251));
  const sprite = { name: "thing", style: "made", icon: "up", width: 40, height: 30, pixels };
  const made = {
    split: "train",
    names: ["thing"],
    relatedTo: () => new Set<string>(),
    sprites: new Map([["thing", [[sprite]]]]),
  } as const;
  const digest = createHash("sha256");
  for (let seed = 0; seed < 40; seed++) {
    const { picture, caption } = composeScene(made, seed, { width: 80, height: 64 });
    digest.update(picture.data).update(caption);
  }
  assert.equal(digest.digest("hex"), "23fec1447da8916ce9b1c65d8d67233255181bac03c2d06e0b7b27ad8a3a0e08");
});
