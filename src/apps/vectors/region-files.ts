/** Writes regions with their vectors to Parquet, picture by picture. */

import { extname } from "node:path";
import { duckdb, literal } from "../../data/duckdb.ts";
import { InputError } from "../../errors.ts";
import { replaceWhole } from "../../files/write-whole.ts";
import type { Region } from "../../tasks/regions/region-model.ts";

export interface RegionRow extends Region {
  readonly image: string;
  /** The score of each name, where names are given. */
  readonly scores?: Float32Array;
}

/** Rows that are written to one file. */
export interface RegionFile {
  add(rows: readonly RegionRow[]): void;
  /** Writes the file; it appears when it is complete. */
  end(): Promise<void>;
}

/** Throws InputError unless the file's extension is .parquet and the package that writes it is installed. */
export async function wantParquet(file: string): Promise<void> {
  if (extname(file).toLowerCase() !== ".parquet")
    throw new InputError(`${file}: unknown extension; regions are written as .parquet`);
  await duckdb();
}

/**
 * Columns image, xmin, ymin, xmax, ymax, objectness, vector (FLOAT[width]), and with names label, score and scores (FLOAT[names]); the names are
 * in the file's metadata.
 */
export async function regionFile(file: string, { width, names }: { width: number; names?: readonly string[] }) {
  await wantParquet(file);
  const connection = await duckdb();
  const { listValue, LIST, FLOAT } = await import("@duckdb/node-api");
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE regions (image VARCHAR, xmin DOUBLE, ymin DOUBLE, xmax DOUBLE, ymax DOUBLE, objectness FLOAT,
     vector FLOAT[], label VARCHAR, score FLOAT, scores FLOAT[])`,
  );
  const appender = await connection.createAppender("regions");
  const list = (numbers: Float32Array) => appender.appendList(listValue(Array.from(numbers)), LIST(FLOAT));
  const add = (rows: readonly RegionRow[]) => {
    for (const { image, box, objectness, vector, scores } of rows) {
      appender.appendVarchar(image);
      for (const side of [box.xmin, box.ymin, box.xmax, box.ymax]) appender.appendDouble(side);
      if (objectness === undefined) appender.appendNull();
      else appender.appendFloat(objectness);
      list(vector);
      const best = scores?.reduce((top, score, i) => (score > scores[top]! ? i : top), 0);
      if (scores && best !== undefined && names) {
        appender.appendVarchar(names[best]!);
        appender.appendFloat(scores[best]!);
        list(scores);
      } else for (let i = 0; i < 3; i++) appender.appendNull();
      appender.endRow();
    }
  };
  const end = async () => {
    appender.closeSync();
    const own = names ? `, label, score, scores::FLOAT[${names.length}] AS scores` : "";
    const typed = `SELECT image, xmin, ymin, xmax, ymax, objectness, vector::FLOAT[${width}] AS vector${own} FROM regions`;
    const metadata = names ? `, KV_METADATA {names: ${literal(JSON.stringify(names))}}` : "";
    try {
      await replaceWhole(file, async (draft) => {
        await connection.run(`COPY (${typed}) TO ${literal(draft)} (FORMAT parquet, COMPRESSION zstd${metadata})`);
      });
    } finally {
      await connection.run("DROP TABLE IF EXISTS regions");
    }
  };
  return { add, end } satisfies RegionFile;
}
