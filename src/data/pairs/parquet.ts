/** Pairs in a Parquet file with a column of paths and a column of captions. */
import { join } from "node:path";
import { duckdb, fileLiteral, literal } from "../duckdb.ts";
import { CAPTION_FIELDS, type PairOrRefusal, PICTURE_FIELDS, pairsOfFields } from "./pair.ts";

export interface ParquetShard {
  readonly kind: "parquet";
  readonly key: string;
  readonly file: string;
  /** Size of the file. */
  readonly bytes: number;
  /** First row and number of rows; 0 rows if the file cannot be read. */
  readonly start: number;
  readonly rows: number;
}

export async function parquetShards(
  root: string,
  file: string,
  { bytes, rows }: { bytes: number; rows: number },
): Promise<ParquetShard[]> {
  const stem = file.replace(/\.\w+$/, "");
  const total = await countRows(join(root, file)).catch(() => 0);
  // A file without rows has one shard, so that it is reported.
  return Array.from({ length: Math.max(1, Math.ceil(total / rows)) }, (_, i) => {
    const start = i * rows;
    const key = `${stem}-${String(i).padStart(5, "0")}`;
    return { kind: "parquet", key, file, bytes, start, rows: Math.min(rows, total - start) };
  });
}

export async function* readParquetShard(
  { file, start, rows }: ParquetShard,
  { root, images }: { root: string; images: string },
): AsyncGenerator<PairOrRefusal> {
  const connection = await duckdb();
  let read = 0;
  try {
    await countRows(join(root, file));
    const wanted = [...PICTURE_FIELDS, ...CAPTION_FIELDS].map(literal).join();
    const query = `SELECT COLUMNS(name -> name IN (${wanted})) FROM read_parquet(${fileLiteral(join(root, file))}, file_row_number = true)
      WHERE file_row_number >= ${start} AND file_row_number < ${start + rows}`;
    for await (const fields of (await connection.stream(query)).yieldRowObjectJs())
      for (const row of fields) {
        yield* pairsOfFields(row, `${file}:${start + read}`, images);
        read++;
      }
  } catch (error) {
    const detail = String(error instanceof Error ? error.message : error).split("\n")[0]!;
    yield { reason: "damaged file", file: rows > 0 ? `${file}:${start + read}` : file, detail, pairs: rows - read };
  }
}

async function countRows(path: string): Promise<number> {
  const connection = await duckdb();
  const result = await connection.runAndReadAll(`SELECT count(*) FROM read_parquet(${fileLiteral(path)})`);
  return Number(result.getRows()[0]![0]);
}
