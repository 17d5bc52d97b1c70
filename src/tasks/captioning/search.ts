/** Captions word by word, the most probable first. */

/** Logarithms of the probabilities of the next word [v] of each unfinished caption. */
export interface NextWords {
  /**
   * Reads one more word of each unfinished caption. `parents` says which caption of the call before each one continues; in the first call there is one
   * caption and its word is the start.
   */
  read(words: readonly number[], parents: readonly number[]): Promise<readonly Float32Array[]>;
}

export interface SearchOptions {
  /** The word that starts every caption and the one that ends it. */
  readonly start: number;
  readonly end: number;
  /** Maximum number of words, including the end. */
  readonly limit: number;
  /** Words that are never used. */
  readonly banned?: ReadonlySet<number>;
}

export interface BeamOptions extends SearchOptions {
  /** Captions that are followed at the same time. */
  readonly beams: number;
  /** Exponent of the length that a caption's log-probability is divided by. */
  readonly lengthPower: number;
}

/** A caption without its start. */
export interface FoundCaption {
  readonly ids: readonly number[];
  /** Of the whole caption. */
  readonly logProbability: number;
  /** `logProbability` over the length, end included, to the power given. */
  readonly score: number;
}

/** The most probable word at each step; of equally probable ones the smallest id. */
export async function greedyCaption(model: NextWords, options: SearchOptions): Promise<FoundCaption> {
  const [best] = await beamCaptions(model, { ...options, beams: 1, lengthPower: 1 });
  return best!;
}

/** An unfinished caption: its words and its row in the last call of the model. */
interface Live {
  readonly ids: readonly number[];
  readonly logProbability: number;
  readonly parent: number;
}

/**
 * The captions that a beam finds, best first. Each step takes the most probable continuations of all unfinished captions, as many as beams are not yet
 * finished (of equals, of the earlier caption, then the smaller id); those that end are finished, and at the limit so are the others.
 */
export async function beamCaptions(model: NextWords, options: BeamOptions): Promise<FoundCaption[]> {
  const { start, end, limit, beams, lengthPower, banned = new Set() } = options;
  let live: Live[] = [{ ids: [], logProbability: 0, parent: 0 }];
  const done: Live[] = [];
  for (let length = 0; length < limit && live.length > 0; length++) {
    const words = live.map(({ ids }) => ids.at(-1) ?? start);
    const rows = await model.read(
      words,
      live.map(({ parent }) => parent),
    );
    const found = rows.flatMap((row, parent) =>
      bestWords(row, beams, banned).map((word) => ({
        ids: [...live[parent]!.ids, word],
        logProbability: live[parent]!.logProbability + row[word]!,
        parent,
      })),
    );
    // A stable sort: equals stay in the order of their captions, then of their ids.
    found.sort((a, b) => b.logProbability - a.logProbability);
    const kept = found.slice(0, beams - done.length);
    done.push(...kept.filter(({ ids }) => ids.at(-1) === end));
    live = kept.filter(({ ids }) => ids.at(-1) !== end);
  }
  return [...done, ...live]
    .map(({ ids, logProbability }) => ({ ids, logProbability, score: logProbability / ids.length ** lengthPower }))
    .sort((a, b) => b.score - a.score);
}

/** The `count` likeliest words, best first; of equals the smaller id. */
function bestWords(row: Float32Array, count: number, banned: ReadonlySet<number>): number[] {
  const best: number[] = [];
  row.forEach((value, word) => {
    if (banned.has(word)) return;
    let place = best.length;
    while (place > 0 && row[best[place - 1]!]! < value) place--;
    if (place < count) {
      best.splice(place, 0, word);
      best.length = Math.min(best.length, count);
    }
  });
  return best;
}
