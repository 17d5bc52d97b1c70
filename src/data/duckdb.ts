/** SQL queries over files, run by DuckDB in this process. */

import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { InputError } from "../errors.ts";
import { optional } from "../files/optional-package.ts";

/** Maximum memory for a database file, of any size. */
const DATABASE_MEMORY = "1GB";

let connection: Promise<DuckDBConnection> | undefined;

/** A connection without a database, opened at first use. It uses one thread, so that its output is always the same. */
export function duckdb(): Promise<DuckDBConnection> {
  connection ??= (async () => {
    const { DuckDBInstance } = await library("reading and writing Parquet");
    return (await DuckDBInstance.create(":memory:", { threads: "1", temp_directory: spillFolder() })).connect();
  })();
  return connection;
}

/** An open database file. */
export interface Database {
  readonly connection: DuckDBConnection;
  /** Writes everything to the file and closes it. */
  close(): void;
}

/**
 * Opens a database file, or makes one. Several processes can read it, or one can write it. What is committed survives the process.
 * Throws InputError that names the file if it is not a database or another process writes it.
 */
export async function openDatabase(file: string, access: "read" | "write"): Promise<Database> {
  const { DuckDBInstance } = await library("an index of pictures");
  const options = {
    access_mode: access === "read" ? "READ_ONLY" : "READ_WRITE",
    memory_limit: DATABASE_MEMORY,
    temp_directory: spillFolder(),
    // Vectors hardly become smaller, and trying takes minutes for 100,000 of them.
    force_compression: "uncompressed",
  };
  try {
    const instance = await DuckDBInstance.create(file, options);
    const connection = await instance.connect();
    return {
      connection,
      close: () => {
        connection.closeSync();
        instance.closeSync();
      },
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (/could not set lock/i.test(reason))
      throw new InputError(`${file}: another process is using it; try again when it has finished`, { cause: error });
    throw new InputError(`${file}: cannot be opened as a database (${reason.split("\n")[0]})`, { cause: error });
  }
}

/** A text as an SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The path of one file as a literal for DuckDB's readers, in which `*`, `?` and `[` would be wildcards. */
export function fileLiteral(path: string): string {
  return literal(path.replaceAll(/[*?[]/g, "[$&]"));
}

function library(purpose: string) {
  return optional(() => import("@duckdb/node-api"), { purpose, packages: ["@duckdb/node-api"] });
}

/** Folder for data that does not fit into DuckDB's memory, created when needed; by default DuckDB would use the working folder. */
function spillFolder(): string {
  const folder = join(tmpdir(), `groundling-duckdb-${randomBytes(12).toString("hex")}`);
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
