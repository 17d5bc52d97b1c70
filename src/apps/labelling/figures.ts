/** The figures of a labelled dataset: the paper's by one query of SQL over its tables, the rest from the sums of the shards. */

import { duckdb, literal } from "../../data/duckdb.ts";
import { readStatistics, type ShardStatistics, shardFile } from "../../data/pairs/labelled.ts";
import type { Shard } from "../../data/pairs/shards.ts";

export interface DatasetFigures {
  readonly shards: number;
  /** All pairs of the source. */
  readonly pairs: number;
  /** Pairs whose picture was looked at. */
  readonly labelled: number;
  readonly withBoxes: number;
  /** Boxes above the threshold, and phrases that have some, each counted once whatever its case. */
  readonly boxes: number;
  readonly phrases: number;
  /** Pairs by the reason why they were not labelled. */
  readonly refused: Readonly<Record<string, number>>;
  readonly damages: number;
}

/** Figures of shards that are all done. */
export async function datasetFigures(
  folder: string,
  shards: readonly Shard[],
  threshold: number,
): Promise<DatasetFigures> {
  const statistics: ShardStatistics[] = [];
  for (const shard of shards) statistics.push((await readStatistics(folder, shard))!);
  const refused: Record<string, number> = {};
  for (const part of statistics)
    for (const [reason, count] of Object.entries(part.refused)) refused[reason] = (refused[reason] ?? 0) + count;
  const sum = (of: "pairs" | "damages") => statistics.reduce((total, part) => total + part[of], 0);
  return {
    shards: shards.length,
    pairs: sum("pairs"),
    ...(await paperFigures(
      shards.map((shard) => shardFile(folder, shard, "table")),
      threshold,
    )),
    refused,
    damages: sum("damages"),
  };
}

async function paperFigures(tables: readonly string[], threshold: number) {
  const connection = await duckdb();
  const result = await connection.runAndReadAll(`
    WITH pairs AS (FROM read_parquet([${tables.map(literal).join()}])),
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
