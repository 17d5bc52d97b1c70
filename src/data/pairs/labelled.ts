/** A labelled shard on disk: labels as ODVG lines and as Parquet, refused pairs, and statistics. */
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { finished } from "node:stream/promises";
import { readTextIfThere } from "../../files/read-file.ts";
import { duckdb, fileLiteral, literal } from "../duckdb.ts";
import { parseJson } from "../readers/json.ts";
import { isRefusal, type Refusal } from "./pair.ts";
import type { Shard } from "./shards.ts";

/** A pair with the boxes that were found for its phrases. */
export interface LabelledPair {
  readonly file: string;
  /** Of picture and caption; 32 hexadecimal digits. */
  readonly digest: string;
  readonly caption: string;
  /** Of the picture, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Phrases with at least one box, in the caption's order. */
  readonly regions: readonly {
    readonly phrase: string;
    /** Characters [start, end) of the caption. */
    readonly span: readonly [number, number];
    /** Left, top, right, bottom in pixels of the picture, the best first. */
    readonly boxes: readonly (readonly [number, number, number, number])[];
    /** One for each box. */
    readonly scores: readonly number[];
  }[];
}

/** Statistics of a shard. */
export interface ShardStatistics {
  readonly shard: Shard;
  /** All pairs of the shard: with boxes, without boxes, and refused. */
  readonly pairs: number;
  readonly withBoxes: number;
  readonly withoutBoxes: number;
  /** By reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Damaged parts of the source in which no pairs could be recognised. */
  readonly damages: number;
  readonly boxes: number;
}

/** The files of a labelled shard. The statistics are written last, so if they exist, the shard is complete. */
export const shardFiles = {
  grounding: ".jsonl",
  table: ".parquet",
  problems: ".problems.jsonl",
  statistics: ".json",
} as const;

/** Folder for unfinished files, one per process; files of a killed process are never used. */
export const DRAFTS = "drafts";

/** The path of a shard's file in a job's folder. */
export function shardFile(folder: string, { key }: Shard, kind: keyof typeof shardFiles): string {
  return join(folder, "shards", key + shardFiles[kind]);
}

/** The columns of the lines, as DuckDB reads them. */
const columns = `{filename: 'VARCHAR', digest: 'VARCHAR', width: 'INTEGER', height: 'INTEGER', grounding: 'STRUCT(caption VARCHAR,
  regions STRUCT(phrase VARCHAR, tokens_positive INTEGER[][], bbox DOUBLE[][], score FLOAT[])[])'}`;

/**
 * Writes a shard. Its files appear when all are complete, and always have the same bytes: two processes that label one shard at a time
 * do no harm. Holds one pair at a time.
 */
export async function writeLabelledShard(
  folder: string,
  shard: Shard,
  answers: AsyncIterable<LabelledPair | Refusal>,
): Promise<ShardStatistics> {
  await mkdir(join(folder, DRAFTS), { recursive: true });
  const drafts = await mkdtemp(join(folder, DRAFTS, `${process.pid}-`));
  const draft = (kind: keyof typeof shardFiles) => join(drafts, `draft${shardFiles[kind]}`);
  await mkdir(dirname(shardFile(folder, shard, "statistics")), { recursive: true });
  try {
    const statistics = await writeLines(shard, answers, { grounding: draft("grounding"), problems: draft("problems") });
    await writeTable(draft("grounding"), draft("table"));
    await writeFile(draft("statistics"), `${JSON.stringify(statistics)}\n`);
    for (const kind of ["grounding", "table", "problems", "statistics"] as const)
      await rename(draft(kind), shardFile(folder, shard, kind));
    return statistics;
  } finally {
    await rm(drafts, { recursive: true, force: true });
  }
}

/** The statistics of a finished shard; undefined if it is not finished or its source has changed since. */
export async function readStatistics(folder: string, shard: Shard): Promise<ShardStatistics | undefined> {
  const file = shardFile(folder, shard, "statistics");
  const text = readTextIfThere(file);
  const statistics = text === undefined ? undefined : (parseJson(text, file) as ShardStatistics | null);
  return statistics && JSON.stringify(statistics.shard) === JSON.stringify(shard) ? statistics : undefined;
}

async function writeLines(
  shard: Shard,
  answers: AsyncIterable<LabelledPair | Refusal>,
  files: { grounding: string; problems: string },
): Promise<ShardStatistics> {
  const grounding = lineWriter(files.grounding);
  const problems = lineWriter(files.problems);
  const sums = { pairs: 0, withBoxes: 0, withoutBoxes: 0, damages: 0, boxes: 0 };
  const refused: Record<string, number> = {};
  for await (const answer of answers) {
    if (isRefusal(answer)) {
      await problems.write(answer);
      sums.pairs += answer.pairs;
      if (answer.pairs === 0) sums.damages++;
      else refused[answer.reason] = (refused[answer.reason] ?? 0) + answer.pairs;
    } else {
      await grounding.write(odvgOf(answer));
      sums.pairs++;
      if (answer.regions.length > 0) sums.withBoxes++;
      else sums.withoutBoxes++;
      sums.boxes += answer.regions.reduce((sum, { boxes }) => sum + boxes.length, 0);
    }
  }
  await Promise.all([grounding.close(), problems.close()]);
  return { shard, ...sums, refused: Object.fromEntries(Object.entries(refused).sort()) };
}

/** Boxes rounded to a hundredth of a pixel; scores with just enough digits for a float32. */
function odvgOf({ file, digest, width, height, caption, regions }: LabelledPair): object {
  return {
    filename: file,
    digest,
    height,
    width,
    grounding: {
      caption,
      regions: regions.map(({ phrase, span, boxes, scores }) => ({
        bbox: boxes.map((box) => box.map((side) => Math.round(100 * side) / 100)),
        phrase,
        tokens_positive: [span],
        score: scores.map((score) => Number(score.toPrecision(9))),
      })),
    },
  };
}

function lineWriter(file: string) {
  const stream = createWriteStream(file);
  const done = finished(stream);
  // Reported where it is awaited.
  done.catch(() => {});
  return {
    async write(record: object): Promise<void> {
      if (!stream.write(`${JSON.stringify(record)}\n`)) await Promise.race([done, once(stream, "drain")]);
    },
    close: (): Promise<void> => {
      stream.end();
      return done;
    },
  };
}

async function writeTable(lines: string, table: string): Promise<void> {
  const connection = await duckdb();
  const source = `read_json(${fileLiteral(lines)}, format = 'newline_delimited', columns = ${columns})`;
  await connection.run(
    `COPY (SELECT filename, digest, width, height, grounding.caption AS caption, grounding.regions AS regions FROM ${source})
     TO ${literal(table)} (FORMAT parquet, COMPRESSION zstd)`,
  );
}
