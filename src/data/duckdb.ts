/** SQL queries over files, run by DuckDB in this process. */

import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { optional } from "../files/optional-package.ts";

let connection: Promise<DuckDBConnection> | undefined;

/** A connection without a database, opened at first use. It uses one thread, so that its output is always the same. */
export function duckdb(): Promise<DuckDBConnection> {
  connection ??= (async () => {
    const { DuckDBInstance } = await optional(() => import("@duckdb/node-api"), {
      purpose: "reading and writing Parquet",
      packages: ["@duckdb/node-api"],
    });
    return (await DuckDBInstance.create(":memory:", { threads: "1", temp_directory: spillFolder() })).connect();
  })();
  return connection;
}

/** A text as an SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The path of one file as a literal for DuckDB's readers, in which `*`, `?` and `[` would be wildcards. */
export function fileLiteral(path: string): string {
  return literal(path.replaceAll(/[*?[]/g, "[$&]"));
}

/** Folder for data that does not fit into DuckDB's memory, created when needed; by default DuckDB would use the working folder. */
function spillFolder(): string {
  const folder = join(tmpdir(), `groundling-duckdb-${randomBytes(12).toString("hex")}`);
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
