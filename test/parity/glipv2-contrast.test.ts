import assert from "node:assert/strict";
import { test } from "node:test";
import { anchorsOf } from "../../src/boxes/anchors.ts";
import { assignAnchors, concatenate } from "../../src/boxes/atss.ts";
import { phraseKeys } from "../../src/inputs/words/phrase-norm.ts";
import { boxRegions, cellRegions } from "../../src/models/glip-v2/contrast-space.ts";
import { columnFeatures, interImageLoss } from "../../src/tasks/grounding/inter-image-loss.ts";
import {
  type ContrastColumn,
  type ContrastRegion,
  type KeyRelation,
  type Propagation,
  propagate,
  softWeight,
  takeTurns,
} from "../../src/tasks/grounding/propagation.ts";
import { concat, constant, divide, input, matmul, swapLast, type Tensor } from "../../src/tensor/index.ts";
import { Comparison, type Golden } from "./golden.ts";
import {
  compareGradients,
  gradientsOf,
  inputsOf,
  nanoV2,
  needsGlipV2,
  openSet,
  runAll,
  type SampleMeta,
} from "./golden-glipv2.ts";

const skip = needsGlipV2;
type Kind = "c4" | "fpn";

interface Loss {
  loss: number;
  region_to_word: number;
  word_to_region: number;
  regions_with_positive: number;
  fp32: number;
  fp32_vs_fp64?: number;
}
interface Mode extends Partial<Record<Kind, Loss>> {
  config?: { match: string; scope?: Propagation["scope"]; hierarchy?: Propagation["hierarchy"]; soft_as?: string };
  image_ids?: number[];
  positives?: number;
  ignored?: number;
  bank?: Record<"regions" | "columns", [ContrastRegion["source"], string[]][]>;
}
interface Meta extends Record<string, unknown> {
  samples: SampleMeta[];
  keys: string[];
  limit: number;
  positives: [number, number][][];
  regions: { sample: number; anchor: number; object: number; keys: number[]; own: number[] }[];
  columns: [number, number][];
  column_keys: number[][];
  phrase_columns: { sample: number; positions: number[]; keys: number[] }[];
  losses: Record<string, Mode>;
  invariants: { permutation: number[]; loss_permuted: number; "first sample alone": number };
}

/** Regions, token columns and phrase columns of a set, made from its captions, phrases and boxes. */
async function compared(golden: Golden<Meta>) {
  const { meta } = golden;
  const keys = phraseKeys();
  const [, , height, width] = golden.shape("input.image") as [number, number, number, number];
  const levels = anchorsOf(height, width);
  const regions: (ContrastRegion & { anchor: number; object: number })[] = [];
  const columns: ContrastColumn[] = [];
  const phrases: ContrastColumn[] = [];
  const positives: [number, number][][] = [];
  for (const sample of meta.samples) for (const phrase of sample.phrases) keys.keyOf(phrase);
  for (const [index, sample] of meta.samples.entries()) {
    const of = { sample: index, image: sample.image_id, source: sample.source };
    const { owner, positives: anchors } = assignAnchors(levels, await golden.floats(`input.boxes.${index}`));
    const owners = [...anchors].map((anchor) => owner[anchor]!);
    positives.push([...anchors].map((anchor, i) => [anchor, owners[i]!]));
    const sorted = (numbers: number[]) => [...new Set(numbers)].sort((a, b) => a - b);
    for (const at of takeTurns(owners, meta.limit)) {
      const named = sample.box_phrases[owners[at]!]!;
      regions.push({
        ...of,
        keys: sorted(named.map((p) => keys.keyOf(sample.phrases[p]!)!)),
        own: sorted(named.flatMap((p) => sample.phrase_tokens[p]!)),
        anchor: anchors[at]!,
        object: owners[at]!,
      });
    }
    for (let t = 0; t < sample.real_tokens; t++) {
      const held = sample.phrases.filter((_, p) => sample.phrase_tokens[p]!.includes(t));
      columns.push({ ...of, positions: [t], keys: sorted(held.map((phrase) => keys.keyOf(phrase)!)) });
    }
    sample.phrases.forEach((phrase, p) => {
      const positions = sample.phrase_tokens[p]!;
      if (positions.length > 0) phrases.push({ ...of, positions, keys: [keys.keyOf(phrase)!] });
    });
  }
  return { keys, levels, regions, columns, phrases, positives };
}

/** The rules of each mode of a set. */
async function rulesOf(golden: Golden<Meta>) {
  const k = golden.meta.keys.length;
  const cosines = await golden.floats("input.cosine");
  const relation = await golden.integers("input.relation");
  const belows = await golden.integers("input.below");
  const below = (a: number, b: number) => belows[a * k + b] === 1;
  const soft =
    (options?: Parameters<typeof softWeight>[1]): KeyRelation =>
    (a, b) =>
      softWeight(cosines[a * k + b]!, options);
  return (name: string): Propagation => {
    const { config } = golden.meta.losses[name]!;
    const { match, scope = {}, hierarchy = "ignore", soft_as } = config!;
    const relations: Record<string, Propagation["match"]> = {
      none: "none",
      exact: "exact",
      synonym: (a, b) => relation[a * k + b]!,
      soft: name === "soft-gamma2" ? soft({ low: 0.6, high: 1, gamma: 2 }) : soft(),
    };
    return {
      match: relations[match]!,
      scope,
      hierarchy,
      ...("below" in config! ? { below } : {}),
      ...(soft_as === "ignore" ? { fractions: "ignore" as const } : {}),
    };
  };
}

async function assertTargets(golden: Golden<Meta>, name: string, found: ReturnType<typeof propagate>): Promise<void> {
  assert.deepEqual(Array.from(found.target), Array.from(await golden.floats(`target.${name}`)), `target ${name}`);
  assert.deepEqual(Array.from(found.ignore), Array.from(await golden.floats(`ignore.${name}`)), `ignore ${name}`);
}

test("regions take turns, phrases are numbered by their norm, and target matrices are the reference's exactly", {
  skip,
}, async () => {
  const golden = await openSet<Meta>("contrast");
  const { meta } = golden;
  const { keys, regions, columns, phrases, positives } = await compared(golden);
  assert.deepEqual(keys.norms, meta.keys);
  assert.deepEqual(positives, meta.positives);
  assert.deepEqual(
    regions.map(({ sample, anchor, object, keys: own, own: tokens }) => ({
      sample,
      anchor,
      object,
      keys: own,
      own: tokens,
    })),
    meta.regions,
  );
  assert.deepEqual(
    columns.map(({ sample, positions }) => [sample, positions[0]]),
    meta.columns,
  );
  assert.deepEqual(
    columns.map((column) => column.keys),
    meta.column_keys,
  );
  assert.deepEqual(
    phrases.map(({ sample, positions, keys: own }) => ({ sample, positions, keys: own })),
    meta.phrase_columns,
  );
  const rules = await rulesOf(golden);
  const modes = golden.names.flatMap((name) => /^ignore\.(.*)$/.exec(name)?.[1] ?? []);
  for (const name of modes.filter((mode) => meta.losses[mode]?.config))
    await assertTargets(golden, name, propagate(regions, columns, rules(name)));
  const standard = rules("paper-plus");
  await assertTargets(golden, "phrase-columns", propagate(regions, phrases, standard));
  const images = meta.losses["paper-plus, same image"]!.image_ids!;
  const moved = <T extends { sample: number }>(all: T[]) => all.map((one) => ({ ...one, image: images[one.sample]! }));
  await assertTargets(golden, "same-image", propagate(moved(regions), moved(columns), standard));
  const { rows, all } = withBank(golden, regions, columns, keys.keyOf);
  await assertTargets(golden, "bank", propagate(rows, all, standard));
  await golden.close();
});

/** The batch's regions and columns, then the bank's. */
function withBank(
  golden: Golden<Meta>,
  regions: ContrastRegion[],
  columns: ContrastColumn[],
  keyOf: (phrase: string) => number | undefined,
) {
  const { bank } = golden.meta.losses["paper-plus, bank"]!;
  const kept = ([source, names]: [ContrastRegion["source"], string[]], i: number, of: string) => ({
    sample: of === "region" ? -1 - i : -1001 - i,
    image: `${of} ${i}`,
    source,
    keys: names.map((name) => keyOf(name)!),
  });
  return {
    rows: [...regions, ...bank!.regions.map((row, i) => ({ ...kept(row, i, "region"), own: [] }))],
    all: [...columns, ...bank!.columns.map((row, i) => ({ ...kept(row, i, "column"), positions: [0] }))],
  };
}

/** Features, unit vectors and logits of a set in one of the two ways to sample regions. */
async function spaceOf(golden: Golden<Meta>, kind: Kind) {
  const { model, weights } = await nanoV2(kind);
  const { regions, columns, phrases, levels, keys } = await compared(golden);
  const { image, ids, mask, feeds } = await inputsOf(golden);
  const body = model.body(image);
  const maps = model.pyramid(body);
  const text = model.text(ids, mask);
  const anchors = concatenate(levels);
  const r = regions.length;
  const boxes = Float32Array.from(regions.flatMap(({ anchor }) => [...anchors.subarray(4 * anchor, 4 * anchor + 4)]));
  const pictures = BigInt64Array.from(regions, ({ sample }) => BigInt(sample));
  const cells = BigInt64Array.from(regions, ({ sample, anchor }) => BigInt((sample * anchors.length) / 4 + anchor));
  const feature =
    kind === "c4"
      ? boxRegions(body[1]!, constant(boxes, [r, 4]), constant(pictures, [r]))
      : cellRegions(maps, constant(cells, [r]));
  const length = ids.shape[1]!;
  const unitOf = (of: readonly ContrastColumn[]) => {
    const shares = new Float32Array(of.length * ids.count);
    of.forEach(({ sample, positions }, c) => {
      for (const at of positions) shares[c * ids.count + sample * length + at] = 1 / positions.length;
    });
    return model.contrast!.words(columnFeatures(text, constant(shares, [of.length, ids.count])));
  };
  const vectors = {
    regions: model.contrast!.regions(feature),
    words: unitOf(columns),
    temperature: model.contrast!.temperature(),
  };
  return {
    weights,
    feeds,
    body,
    maps,
    text,
    feature,
    vectors,
    phraseWords: unitOf(phrases),
    regions,
    columns,
    phrases,
    keys,
  };
}

const fixed = ({ target, ignore }: ReturnType<typeof propagate>, rows: number) => ({
  target: constant(target, [rows, target.length / rows]),
  ignore: constant(ignore, [rows, target.length / rows]),
});

function assertLoss(found: Record<string, Float32Array>, expected: Loss, what: string): void {
  const noise = Math.max(expected.fp32_vs_fp64 ?? Math.abs(expected.fp32 - expected.loss), expected.loss * 2 ** -23);
  // The losses' own noise is of one number and small by luck; 2⁻²¹ of it is a few roundings.
  const most = 4 * Math.max(noise, expected.loss * 2 ** -21);
  assert.ok(Math.abs(found.loss![0]! - expected.loss) <= most, `${what}: ${found.loss![0]}, not ${expected.loss}`);
  assert.equal(found.count![0], expected.regions_with_positive, what);
  for (const [part, value] of [
    ["toWords", expected.region_to_word],
    ["toRegions", expected.word_to_region],
  ] as const)
    assert.ok(
      Math.abs(found[part]![0]! - value) <= (most * value * 2) / expected.loss + value * 2 ** -19,
      `${what} ${part}`,
    );
}

for (const kind of ["c4", "fpn"] as const)
  test(`${kind} regions have the reference's features, logits, losses and gradients`, { skip }, async () => {
    const golden = await openSet<Meta>("contrast");
    const { meta } = golden;
    const s = await spaceOf(golden, kind);
    const rules = await rulesOf(golden);
    const { regions, words, temperature } = s.vectors;
    const logits = divide(matmul(regions, swapLast(words)), temperature);
    const arrays: Record<string, Tensor> = {
      [`${kind}.region_feature`]: s.feature,
      [`${kind}.region_unit`]: regions,
      [`${kind}.logits`]: logits,
      "lang.hidden": s.text,
      token_unit: words,
      phrase_unit: s.phraseWords,
      "swin.c4": s.body[1]!,
      ...Object.fromEntries(s.maps.map((map, i) => [`fpn.p${i + 3}`, map])),
    };
    const found = await runAll(arrays, s.feeds, s.weights);
    const comparison = new Comparison();
    for (const name of Object.keys(arrays)) await comparison.add(golden, name, found[name]!);

    const rows = s.regions.length;
    for (const [name, mode] of Object.entries(meta.losses).filter(([, { config }]) => config)) {
      const targets = fixed(propagate(s.regions, s.columns, rules(name)), rows);
      assertLoss(await runAll(interImageLoss(s.vectors, targets), s.feeds, s.weights), mode[kind]!, name);
    }
    const mode = kind === "c4" ? "paper-plus" : "soft";
    const { loss } = interImageLoss(s.vectors, fixed(propagate(s.regions, s.columns, rules(mode)), rows));
    const slopes = await runAll(gradientsOf(loss), s.feeds, s.weights);
    const count = await compareGradients(golden, slopes, comparison, `grad.${kind}.${mode}.`);
    // The loss depends on nothing after fusion.
    assert.ok(Object.keys(slopes).every((name) => !/dyhead_tower|dot_product|roi_heads/.test(name)));
    await golden.close();
    comparison.finish(Object.keys(arrays).length + count);
    assert.ok(count > 60);
  });

test("temperatures, phrase columns, summed probabilities, a bank, permuted pictures and one alone have the reference's losses", {
  skip,
}, async () => {
  const golden = await openSet<Meta>("contrast");
  const { meta } = golden;
  const s = await spaceOf(golden, "c4");
  const standard = (await rulesOf(golden))("paper-plus");
  const rows = s.regions.length;
  const own = propagate(s.regions, s.columns, standard);
  const targets = fixed(own, rows);
  const loss = async (outputs: ReturnType<typeof interImageLoss>, name: string) =>
    assertLoss(await runAll(outputs, s.feeds, s.weights), meta.losses[name]!.c4!, name);
  for (const tau of [1, 0.07])
    await loss(interImageLoss({ ...s.vectors, temperature: constant([tau], [1]) }, targets), `paper-plus, tau ${tau}`);
  await loss(interImageLoss(s.vectors, targets, { positives: "sum" }), "paper-plus, -log of summed probability");
  const phrases = fixed(propagate(s.regions, s.phrases, standard), rows);
  await loss(interImageLoss({ ...s.vectors, words: s.phraseWords }, phrases), "paper-plus, phrase columns");
  const images = meta.losses["paper-plus, same image"]!.image_ids!;
  const moved = <T extends { sample: number }>(all: T[]) => all.map((one) => ({ ...one, image: images[one.sample]! }));
  const same = propagate(moved(s.regions), moved(s.columns), standard);
  await loss(interImageLoss(s.vectors, fixed(same, rows)), "paper-plus, same image");
  const ids = { target: await golden.floats("target.dataset-ids"), ignore: new Float32Array(own.ignore.length) };
  await loss(interImageLoss(s.vectors, fixed(ids, rows)), "dataset-ids");

  const bank = withBank(golden, s.regions, s.columns, s.keys.keyOf);
  const kept = async (name: string) => constant(await golden.floats(name), golden.shape(name));
  const banked = {
    ...s.vectors,
    regions: concat([s.vectors.regions, await kept("bank.region_unit")], 0),
    words: concat([s.vectors.words, await kept("bank.column_unit")], 0),
  };
  const all = fixed(propagate(bank.rows, bank.all, standard), bank.rows.length);
  const counts = { regions: rows, words: s.columns.length };
  await loss(interImageLoss(banked, all, { own: counts }), "paper-plus, bank");

  // Pictures in another order, and one alone: unit vectors are fed, so only the loss is computed again.
  const { permutation, loss_permuted, "first sample alone": alone } = meta.invariants;
  const unit = await runAll(
    { regions: s.vectors.regions, words: s.vectors.words, t: s.vectors.temperature },
    s.feeds,
    s.weights,
  );
  const width = s.vectors.words.shape[1]!;
  const subset = async (samples: readonly number[], rules: Propagation) => {
    const pick = <T extends { sample: number }>(of: T[]) =>
      samples.flatMap((b) => [...of.keys()].filter((i) => of[i]!.sample === b));
    const [r, c] = [pick(s.regions), pick(s.columns)];
    const take = (from: Float32Array, at: number[]) =>
      constant(Float32Array.from(at.flatMap((i) => [...from.subarray(i * width, (i + 1) * width)])), [
        at.length,
        width,
      ]);
    const found = propagate(
      r.map((i) => s.regions[i]!),
      c.map((i) => s.columns[i]!),
      rules,
    );
    const vectors = {
      regions: take(unit.regions!, r),
      words: take(unit.words!, c),
      temperature: constant(unit.t!, [1]),
    };
    return (await runAll(interImageLoss(vectors, fixed(found, r.length)), {}, new Map())).loss![0]!;
  };
  assert.ok(Math.abs((await subset(permutation, standard)) - loss_permuted) < 1e-5);
  assert.ok(Math.abs((await subset([0], { ...standard, match: "none" })) - alone) < 1e-5);
  await golden.close();
});

test("a padded token changes nothing, and without propagation the targets are block-diagonal", {
  skip,
}, async () => {
  const golden = await openSet<Meta>("contrast");
  const { regions, columns } = await compared(golden);
  const { target, ignore } = propagate(regions, columns, (await rulesOf(golden))("none"));
  regions.forEach((region, r) => {
    columns.forEach((column, c) => {
      if (region.sample === column.sample) return;
      assert.deepEqual([target[r * columns.length + c], ignore[r * columns.length + c]], [0, 0]);
    });
  });
  const logits = input("logits", [1, 3]);
  const words = input("words", [3, 1]);
  const loss = (cols: number) =>
    interImageLoss(
      { regions: constant([1], [1, 1]), words, temperature: constant([1], [1]) },
      { target: constant(Float32Array.of(1, 0, 0), [1, 3]), ignore: constant(Float32Array.of(0, 0, cols), [1, 3]) },
    );
  assert.equal(logits.count, 3);
  const padded = await runAll(loss(1), { words: Float32Array.of(0.5, -0.25, 0.9) }, new Map());
  const other = await runAll(loss(1), { words: Float32Array.of(0.5, -0.25, -0.7) }, new Map());
  assert.deepEqual(padded.loss, other.loss);
  await golden.close();
});
