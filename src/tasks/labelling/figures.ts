/** Statistics of a labelled dataset: the paper's by one SQL query over its tables, the rest from the sums of the shards. */

import { duckdb, fileLiteral } from "../../data/duckdb.ts";
import { readStatistics, type ShardStatistics, shardFile } from "../../data/pairs/labelled.ts";
import type { Shard } from "../../data/pairs/shards.ts";

export interface DatasetFigures {
  readonly shards: number;
  /** All pairs of the source. */
  readonly pairs: number;
  /** Pairs whose picture the model has seen. */
  readonly labelled: number;
  readonly withBoxes: number;
  /** Boxes above the threshold, and different phrases with at least one box (upper and lower case count as one). */
  readonly boxes: number;
  readonly phrases: number;
  /** Number of pairs that were not labelled, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  readonly damages: number;
}

/** Rows (from 0) whose picture and caption also occur in an earlier row, by index of the shard. */
export type Duplicates = ReadonlyMap<number, ReadonlySet<number>>;

/** Duplicates between shards: of equal pairs, the first in the source's order is kept. */
export async function duplicatesOf(folder: string, shards: readonly Shard[]): Promise<Duplicates> {
  const connection = await duckdb();
  const result = await connection.runAndReadAll(`WITH ${tablesOf(folder, shards)} FROM twins`);
  const found = new Map<number, Set<number>>();
  for (const [shard, row] of result.getRowsJS() as [bigint, bigint][]) {
    const rows = found.get(Number(shard)) ?? new Set();
    found.set(Number(shard), rows.add(Number(row)));
  }
  return found;
}

/** SQL tables: `rows` of all shards, with the index of the shard and of the row in it, and `twins`, the duplicates. */
function tablesOf(folder: string, shards: readonly Shard[]): string {
  const files = shards.map((shard) => fileLiteral(shardFile(folder, shard, "table"))).join();
  return `
    rows AS (SELECT file_index AS shard, file_row_number AS row, digest, regions FROM read_parquet([${files}])),
    twins AS (SELECT shard, row FROM rows QUALIFY row_number() OVER (PARTITION BY digest ORDER BY shard, row) > 1)`;
}

/** Statistics of shards that are all finished. */
export async function datasetFigures(
  folder: string,
  { shards, duplicates, threshold }: { shards: readonly Shard[]; duplicates: Duplicates; threshold: number },
): Promise<DatasetFigures> {
  const statistics: ShardStatistics[] = [];
  for (const shard of shards) statistics.push((await readStatistics(folder, shard))!);
  const refused: Record<string, number> = {};
  for (const part of statistics)
    for (const [reason, count] of Object.entries(part.refused)) refused[reason] = (refused[reason] ?? 0) + count;
  const twins = [...duplicates.values()].reduce((total, rows) => total + rows.size, 0);
  if (twins > 0) refused["duplicate"] = (refused["duplicate"] ?? 0) + twins;
  const sum = (of: "pairs" | "damages") => statistics.reduce((total, part) => total + part[of], 0);
  return {
    shards: shards.length,
    pairs: sum("pairs"),
    ...(await paperFigures(tablesOf(folder, shards), threshold)),
    refused: Object.fromEntries(Object.entries(refused).sort()),
    damages: sum("damages"),
  };
}

async function paperFigures(tables: string, threshold: number) {
  const connection = await duckdb();
  const result = await connection.runAndReadAll(`
    WITH ${tables},
         pairs AS (SELECT regions FROM rows ANTI JOIN twins USING (shard, row)),
         phrases AS (SELECT lower(region.phrase) AS phrase, len(list_filter(region.score, score -> score > ${threshold})) AS boxes
                     FROM (SELECT unnest(regions) AS region FROM pairs))
    SELECT (SELECT count(*) FROM pairs) AS labelled,
           (SELECT count(*) FROM pairs WHERE len(regions) > 0) AS "withBoxes",
           coalesce(sum(boxes), 0) AS boxes,
           count(DISTINCT phrase) FILTER (boxes > 0) AS phrases
    FROM phrases`);
  const [row] = result.getRowObjectsJS();
  const { labelled, withBoxes, boxes, phrases } = row!;
  return {
    labelled: Number(labelled),
    withBoxes: Number(withBoxes),
    boxes: Number(boxes),
    phrases: Number(phrases),
  };
}
