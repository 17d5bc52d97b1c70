/** An index of pictures on disk: their paths and vectors in a DuckDB database, searched exactly. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Database, openDatabase } from "../../data/duckdb.ts";
import { InputError } from "../../errors.ts";
import { replaceWhole } from "../../files/write-whole.ts";
import type { UnitVector } from "../classifying/unit-vectors.ts";

/** The model whose vectors an index has. */
export interface IndexModel {
  /** A path or name that loads the model. */
  readonly name: string;
  /** The encoder's `mark`. */
  readonly mark: string;
  /** Length of a vector. */
  readonly width: number;
}

/** The state of a file when it was indexed. */
export interface IndexedFile {
  /** Absolute path. */
  readonly path: string;
  readonly bytes: number;
  /** Time of the last change, in milliseconds. */
  readonly changed: number;
}

/** A picture that was found. */
export interface FoundPicture {
  /** Absolute path. */
  readonly path: string;
  /** Cosine of its vector with the vector that was searched for, -1 to 1. */
  readonly similarity: number;
}

/** An open index. Close it when done. */
export interface PictureIndex {
  readonly model: IndexModel;
  /** The files in the index. */
  files(): Promise<IndexedFile[]>;
  /** Adds pictures and replaces those of the same paths, all of them or none. They are on the disk when it returns. */
  add(pictures: readonly (IndexedFile & { readonly vector: UnitVector })[]): Promise<void>;
  /** Removes pictures by their paths. */
  remove(paths: readonly string[]): Promise<void>;
  /** The pictures with the most similar vectors, best first. It compares with every picture. */
  nearest(vector: UnitVector, count: number): Promise<FoundPicture[]>;
  /** Closes the file. The index cannot be used afterwards. */
  close(): void;
}

/** Opens the index in a folder to search it. Several processes can search it at once. Throws InputError if there is none. */
export async function openIndex(folder: string): Promise<PictureIndex> {
  const file = indexFile(folder);
  if (!existsSync(file))
    throw new InputError(`${folder}: has no index of pictures; make one with groundling index PHOTOS --out ${folder}`);
  return opened(file, await openDatabase(file, "read"));
}

/**
 * Opens the index in a folder to add pictures, or makes one. Throws InputError if it belongs to another model, or if another process
 * is using it.
 */
export async function openIndexOf(folder: string, model: IndexModel): Promise<PictureIndex> {
  const file = indexFile(folder);
  if (!existsSync(file)) await replaceWhole(file, (draft) => makeIndex(draft, model));
  const index = await opened(file, await openDatabase(file, "write"));
  try {
    checkModel(folder, index.model, model);
    return index;
  } catch (error) {
    index.close();
    throw error;
  }
}

/** Throws InputError if a model is not the one of an index. */
export function checkModel(folder: string, own: IndexModel, other: IndexModel): void {
  if (own.mark === other.mark && own.width === other.width) return;
  throw new InputError(
    `${folder}: its vectors are those of the model ${own.name}, which is not ${other.name} or has changed; ` +
      "use the index's own model, or make another index with --out",
  );
}

function indexFile(folder: string): string {
  return join(folder, "pictures.duckdb");
}

async function makeIndex(file: string, { name, mark, width }: IndexModel): Promise<void> {
  const { connection, close } = await openDatabase(file, "write");
  try {
    await connection.run("CREATE TABLE model (name VARCHAR, mark VARCHAR, width INTEGER)");
    await connection.run("INSERT INTO model VALUES ($1, $2, $3)", [name, mark, width]);
    await connection.run(`CREATE TABLE pictures (path VARCHAR, bytes DOUBLE, changed DOUBLE, vector FLOAT[${width}])`);
  } finally {
    close();
  }
}

async function opened(file: string, database: Database): Promise<PictureIndex> {
  try {
    const model = await modelOf(file, database);
    return {
      model,
      files: () => filesOf(database),
      add: (pictures) => addTo(database, model.width, pictures),
      remove: (paths) => inTransaction(database, () => removeFrom(database, paths)),
      nearest: (vector, count) => nearestIn(database, vector, count),
      close: () => database.close(),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

async function modelOf(file: string, { connection }: Database): Promise<IndexModel> {
  const noIndex = (cause?: unknown) =>
    new InputError(`${file}: is not an index of pictures; name another folder`, { cause });
  const read = await connection
    .runAndReadAll("SELECT name, mark, width FROM model")
    .catch((cause: unknown) => Promise.reject(noIndex(cause)));
  const [row] = read.getRowObjects();
  const { name, mark, width } = row ?? {};
  if (typeof name !== "string" || typeof mark !== "string" || typeof width !== "number") throw noIndex();
  return { name, mark, width };
}

async function filesOf({ connection }: Database): Promise<IndexedFile[]> {
  const read = await connection.runAndReadAll("SELECT path, bytes, changed FROM pictures");
  return read.getRowObjects() as unknown as IndexedFile[];
}

async function addTo(
  database: Database,
  width: number,
  pictures: readonly (IndexedFile & { vector: UnitVector })[],
): Promise<void> {
  const { arrayValue, ARRAY, FLOAT } = await import("@duckdb/node-api");
  const type = ARRAY(FLOAT, width);
  const paths = pictures.map(({ path }) => path);
  await inTransaction(database, async () => {
    await removeFrom(database, paths);
    const appender = await database.connection.createAppender("pictures");
    for (const { path, bytes, changed, vector } of pictures) {
      appender.appendVarchar(path);
      appender.appendDouble(bytes);
      appender.appendDouble(changed);
      appender.appendArray(arrayValue(Array.from(vector)), type);
      appender.endRow();
    }
    appender.closeSync();
  });
}

async function removeFrom({ connection }: Database, paths: readonly string[]): Promise<void> {
  const { listValue, LIST, VARCHAR } = await import("@duckdb/node-api");
  await connection.run(
    "DELETE FROM pictures WHERE path IN (SELECT unnest($1))",
    [listValue([...paths])],
    [LIST(VARCHAR)],
  );
}

async function nearestIn({ connection }: Database, vector: UnitVector, count: number): Promise<FoundPicture[]> {
  const { arrayValue, ARRAY, FLOAT } = await import("@duckdb/node-api");
  const read = await connection.runAndReadAll(
    `SELECT path, array_inner_product(vector, $1)::DOUBLE AS similarity FROM pictures ORDER BY similarity DESC, path LIMIT ${count}`,
    [arrayValue(Array.from(vector))],
    [ARRAY(FLOAT, vector.length)],
  );
  return read.getRowObjects() as unknown as FoundPicture[];
}

async function inTransaction({ connection }: Database, work: () => Promise<void>): Promise<void> {
  await connection.run("BEGIN");
  try {
    await work();
    await connection.run("COMMIT");
  } catch (error) {
    await connection.run("ROLLBACK").catch(() => {});
    throw error;
  }
}
