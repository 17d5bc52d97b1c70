/**
 * Which regions and words of different pictures belong together: label propagation of GLIPv2's inter-image contrast (section 3.2 of the
 * paper). Whole numbers only; the keys of phrases come from `phraseKeys`.
 */

/** Detection data, sentences with boxes, or captions with boxes that a model found. */
export type Source = "det" | "ground" | "caption";

/** What an agreement of names means for a pair of sources. */
export type Meaning = "pos" | "ignore" | "neg";

/** A region of a picture with what names it. */
export interface ContrastRegion {
  /** Its example in the batch. */
  readonly sample: number;
  /** Its picture; two examples may share one. */
  readonly image: number | string;
  readonly source: Source;
  /** Keys of the phrases that name it. */
  readonly keys: readonly number[];
  /** Positions of these phrases' tokens in the example's own text. */
  readonly own: readonly number[];
}

/** A token of a text, or a phrase as a whole. */
export interface ContrastColumn {
  readonly sample: number;
  readonly image: number | string;
  readonly source: Source;
  readonly positions: readonly number[];
  /** Keys of the phrases that hold it; none outside phrases. */
  readonly keys: readonly number[];
}

/** How far two keys name the same thing, 0 to 1; the region's key comes first. */
export type KeyRelation = (region: number, word: number) => number;

export interface Propagation {
  /** "none": only within a sample; "exact": equal keys; otherwise a relation such as a lemma's, a synonym's or a similarity. */
  readonly match: "none" | "exact" | KeyRelation;
  /** Meanings by `region->word`; "ignore" unless told. */
  readonly scope: Readonly<Partial<Record<`${Source}->${Source}`, Meaning>>>;
  /** For names of which one is a kind of the other: negative, ignored, or a positive from the narrower region to the wider word. */
  readonly hierarchy: "neg" | "ignore" | "up";
  /** Whether one key is a kind of another, such as "woman" of "person", for `hierarchy`. */
  readonly below?: (key: number, other: number) => boolean;
  /** What weights below 1 are: targets, or ignored. */
  readonly fractions?: "target" | "ignore";
}

const SOURCES: readonly Source[] = ["det", "ground", "caption"];

/** One meaning for all pairs of sources, except those given. */
export function scopeOf(
  all: Meaning,
  except: Readonly<Partial<Record<`${Source}->${Source}`, Meaning>>> = {},
): Record<`${Source}->${Source}`, Meaning> {
  const pairs = SOURCES.flatMap((from) => SOURCES.map((to) => [`${from}->${to}`, all] as const));
  return { ...(Object.fromEntries(pairs) as Record<`${Source}->${Source}`, Meaning>), ...except };
}

/** The published rule: equal names in detection data; everything else is negative. */
export const paperPropagation = {
  match: "exact",
  scope: scopeOf("neg", { "det->det": "pos" }),
  hierarchy: "neg",
} as const satisfies Propagation;

/** The default: as published, but agreements that involve a sentence are ignored, not negative. */
export const defaultPropagation = {
  match: "exact",
  scope: scopeOf("ignore", { "det->det": "pos" }),
  hierarchy: "ignore",
} as const satisfies Propagation;

/** From this weight on an agreement is complete. */
const COMPLETE = 0.99;

/** The weight of two phrases from the cosine of their vectors: 0 up to `low`, 1 from `high` on. */
export function softWeight(cosine: number, { low = 0.75, high = 0.95, gamma = 1 } = {}): number {
  const weight = Math.min(Math.max((cosine - low) / (high - low), 0), 1) ** gamma;
  return weight >= COMPLETE ? 1 : weight;
}

/** Targets with a row for each region and a column for each token or phrase. */
export interface ContrastTargets {
  /** Weights of positives, 0 for others [r,c]. */
  readonly target: Float32Array;
  /** 1 for pairs that do not count [r,c]. */
  readonly ignore: Float32Array;
}

/** Applies the rules to all pairs. */
export function propagate(
  regions: readonly ContrastRegion[],
  columns: readonly ContrastColumn[],
  rules: Propagation,
): ContrastTargets {
  const target = new Float32Array(regions.length * columns.length);
  const ignore = new Float32Array(target.length);
  regions.forEach((region, r) => {
    columns.forEach((column, c) => {
      const found = relate(region, column, rules);
      const at = r * columns.length + c;
      if (found === "ignore") ignore[at] = 1;
      else target[at] = found;
    });
  });
  return { target, ignore };
}

/** The weight of a positive, 0 for a negative, or "ignore". */
export function relate(region: ContrastRegion, column: ContrastColumn, rules: Propagation): number | "ignore" {
  if (region.sample === column.sample) return Number(column.positions.some((at) => region.own.includes(at)));
  const equal = rules.match !== "none" && column.keys.some((key) => region.keys.includes(key));
  if (region.image === column.image) return equal ? 1 : "ignore";
  if (rules.match === "none" || column.keys.length === 0) return 0;
  const { weight, uncertain } = agreement(region.keys, column.keys, rules, equal);
  const meaning = rules.scope[`${region.source}->${column.source}`] ?? "ignore";
  if (weight === 0 || meaning === "neg") return 0;
  if (meaning === "ignore" || uncertain || (rules.fractions === "ignore" && weight < 1)) return "ignore";
  return weight;
}

/** The best agreement of any two names; uncertain if it is only that one is a kind of the other. */
function agreement(keys: readonly number[], others: readonly number[], rules: Propagation, equal: boolean) {
  const pairs = keys.flatMap((key) => others.map((other) => [key, other] as const));
  const { match, below, hierarchy } = rules;
  const relation = typeof match === "function" ? match : undefined;
  const weight = relation ? Math.max(0, ...pairs.map(([k, q]) => relation(k, q))) : Number(equal);
  if (weight > 0 || hierarchy === "neg" || !below) return { weight, uncertain: false };
  const up = pairs.some(([k, q]) => below(k, q));
  const kin = up || pairs.some(([k, q]) => below(q, k));
  return { weight: Number(kin), uncertain: !(hierarchy === "up" && up) };
}

/**
 * At most `limit` of a picture's positive anchors, their objects (`owners`, anchors ascending) taking turns: each object, in ascending order, gives its next
 * anchor in each round. Positions in `owners`, ascending.
 */
export function takeTurns(owners: readonly number[], limit: number): number[] {
  const queues = new Map<number, number[]>();
  owners.forEach((owner, at) => {
    queues.set(owner, [...(queues.get(owner) ?? []), at]);
  });
  const objects = [...queues.keys()].sort((a, b) => a - b);
  const rounds = Math.max(0, ...[...queues.values()].map(({ length }) => length));
  const order = Array.from({ length: rounds }, (_, round) =>
    objects.flatMap((owner) => queues.get(owner)![round] ?? []),
  ).flat();
  return order.slice(0, limit).sort((a, b) => a - b);
}
