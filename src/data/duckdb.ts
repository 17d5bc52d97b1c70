/** SQL over files, by DuckDB within this process. */

import type { DuckDBConnection } from "@duckdb/node-api";
import { optional } from "../files/optional-package.ts";

let connection: Promise<DuckDBConnection> | undefined;

/** A connection without a database, opened at first use. One thread, so that what it writes is the same each time. */
export function duckdb(): Promise<DuckDBConnection> {
  connection ??= (async () => {
    const { DuckDBInstance } = await optional(() => import("@duckdb/node-api"), {
      purpose: "reading and writing Parquet",
      packages: ["@duckdb/node-api"],
    });
    return (await DuckDBInstance.create(":memory:", { threads: "1" })).connect();
  })();
  return connection;
}

/** A text as a literal of SQL. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
