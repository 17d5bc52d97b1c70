/** Writes vectors to files: safetensors, NumPy's .npy and Parquet. */

import { extname } from "node:path";
import { duckdb, literal } from "../../data/duckdb.ts";
import { InputError } from "../../errors.ts";
import { replaceWhole, writeWhole } from "../../files/write-whole.ts";
import { writeSafetensors } from "../../weights/write-safetensors.ts";

/** A vector and its source: a picture as named by the user, or a text. */
export interface NamedVector {
  readonly kind: "image" | "text";
  readonly source: string;
  readonly vector: Float32Array;
}

const writers: Readonly<Record<string, (file: string, vectors: readonly NamedVector[]) => Promise<void>>> = {
  ".safetensors": async (file, vectors) => {
    const shape = [vectors.length, widthOf(vectors)];
    const sources = JSON.stringify(vectors.map(({ kind, source }) => ({ kind, source })));
    await writeSafetensors(file, [{ name: "vectors", dtype: "F32", shape, data: joined(vectors) }], { sources });
  },
  ".npy": (file, vectors) => writeWhole(file, npy(joined(vectors), widthOf(vectors))),
  ".parquet": writeParquet,
};

/** The writer for a file's extension. Throws InputError for an unknown extension, and if the package for Parquet is not installed. */
export async function vectorWriter(file: string): Promise<(vectors: readonly NamedVector[]) => Promise<void>> {
  const writer = writers[extname(file).toLowerCase()];
  if (writer === writeParquet) await duckdb();
  if (!writer)
    throw new InputError(`${file}: unknown extension; vectors are written as ${Object.keys(writers).join(", ")}`);
  return (vectors) => writer(file, vectors);
}

function widthOf(vectors: readonly NamedVector[]): number {
  return vectors[0]?.vector.length ?? 0;
}

function joined(vectors: readonly NamedVector[]): Float32Array {
  const width = widthOf(vectors);
  const all = new Float32Array(vectors.length * width);
  vectors.forEach(({ vector }, i) => {
    all.set(vector, i * width);
  });
  return all;
}

/** NumPy's format 1.0: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
function npy(numbers: Float32Array, width: number): Uint8Array {
  const rows = width === 0 ? 0 : numbers.length / width;
  const words = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${width}), }`;
  // The header ends with a line feed, at a multiple of 64 bytes.
  const header = `${words.padEnd(Math.ceil((words.length + 11) / 64) * 64 - 11)}\n`;
  const start = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, header.length & 255, header.length >> 8]);
  return Buffer.concat([
    start,
    Buffer.from(header),
    new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength),
  ]);
}

/** Columns kind, source and vector (a list of floats). */
async function writeParquet(file: string, vectors: readonly NamedVector[]): Promise<void> {
  const connection = await duckdb();
  const { listValue, LIST, FLOAT } = await import("@duckdb/node-api");
  const width = widthOf(vectors);
  await connection.run(`CREATE OR REPLACE TEMP TABLE vectors (kind VARCHAR, source VARCHAR, vector FLOAT[])`);
  try {
    const appender = await connection.createAppender("vectors");
    for (const { kind, source, vector } of vectors) {
      appender.appendVarchar(kind);
      appender.appendVarchar(source);
      appender.appendList(listValue(Array.from(vector)), LIST(FLOAT));
      appender.endRow();
    }
    appender.closeSync();
    const typed = `SELECT kind, source, vector::FLOAT[${Math.max(width, 1)}] AS vector FROM vectors`;
    await replaceWhole(file, async (draft) => {
      await connection.run(`COPY (${typed}) TO ${literal(draft)} (FORMAT parquet, COMPRESSION zstd)`);
    });
  } finally {
    await connection.run("DROP TABLE IF EXISTS vectors");
  }
}
