import assert from "node:assert/strict";
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { StoredArray } from "./dtype.ts";
import { openSafetensors, readSafetensors } from "./safetensors.ts";
import { PIECE_BYTES } from "./weights-file.ts";
import { type TensorToWrite, writeSafetensors } from "./write-safetensors.ts";

const folder = await mkdtemp(join(tmpdir(), "groundling-"));
after(() => rm(folder, { recursive: true }));

const tensors: readonly TensorToWrite[] = [
  { name: "bytes", dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3) },
  { name: "halves", dtype: "F16", shape: [1, 2], data: Uint16Array.of(0x3c00, 0xc000) },
  { name: "words ✓", dtype: "F32", shape: [2, 2], data: Float32Array.of(1, 2, 3, -0) },
  { name: "doubles", dtype: "F64", shape: [], data: Float64Array.of(Math.PI) },
  { name: "longs", dtype: "I64", shape: [1], data: BigInt64Array.of(-(2n ** 63n)) },
  { name: "none", dtype: "I32", shape: [0, 4], data: new Int32Array() },
];

test("a written file is read again, with its metadata, every tensor aligned to its own size", async () => {
  const path = join(folder, "round.safetensors");
  await writeSafetensors(path, tensors, { epoch: "3" });
  const read = await readSafetensors(path);
  assert.equal(read.size, tensors.length);
  for (const { name, dtype, shape, data } of tensors) assert.deepEqual(read.get(name), { dtype, shape, data });
  const file = await openSafetensors(path);
  assert.deepEqual([...file.metadata], [["epoch", "3"]]);
  await file.close();
  const bytes = await readFile(path);
  const length = Number(bytes.readBigUInt64LE(0));
  assert.equal(length % 8, 0);
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + length));
  for (const { name, data } of tensors) {
    assert.equal(header[name].data_offsets[0] % (data as Uint8Array).BYTES_PER_ELEMENT, 0);
  }
});

test("pieces are requested one tensor at a time, when they are needed", async () => {
  const path = join(folder, "pieces.safetensors");
  let open = 0;
  async function* pieces(first: number) {
    assert.equal(++open, 1);
    yield Float32Array.of(first);
    yield Float32Array.of(first + 1, first + 2);
    open--;
  }
  async function* entries() {
    for (const first of [0, 10]) yield { name: `t${first}`, dtype: "F32" as const, shape: [3], data: pieces(first) };
  }
  await writeSafetensors(path, entries());
  const read = await readSafetensors(path);
  assert.deepEqual(read.get("t10")?.data, Float32Array.of(10, 11, 12));
});

test("a failed write leaves the old file and no temporary file", async () => {
  const inner = await mkdtemp(join(folder, "failing-"));
  const path = join(inner, "kept.safetensors");
  await writeSafetensors(path, tensors);
  const before = await readFile(path);
  const short: TensorToWrite = { name: "a", dtype: "F32", shape: [5], data: new Float32Array(4) };
  await assert.rejects(writeSafetensors(path, [short]), {
    name: "WeightsError",
    message: `${path}: a has 16 bytes, but F32 [5] takes 20`,
  });
  const twice = tensors[0]!;
  await assert.rejects(writeSafetensors(path, [twice, twice]), {
    name: "WeightsError",
    message: /two tensors have the name bytes/,
  });
  assert.deepEqual(await readFile(path), before);
  assert.deepEqual(await readdir(inner), ["kept.safetensors"]);
});

test("a large tensor is read in consecutive pieces", async () => {
  const path = join(folder, "large.safetensors");
  const count = (PIECE_BYTES * 2) / 4 + 5;
  const header = Buffer.from(JSON.stringify({ a: { dtype: "F32", shape: [count], data_offsets: [0, count * 4] } }));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(header.length));
  await writeFile(path, Buffer.concat([start, header]));
  await truncate(path, 8 + header.length + (count - 1) * 4); // zeros that take no room
  await appendFile(path, new Uint8Array(Float32Array.of(42).buffer));
  const file = await openSafetensors(path);
  const lengths: number[] = [];
  let last: StoredArray | undefined;
  for await (const piece of file.readPieces("a")) {
    lengths.push(piece.byteLength);
    last = piece;
  }
  assert.deepEqual(lengths, [PIECE_BYTES, PIECE_BYTES, 20]);
  assert.deepEqual(last, Float32Array.of(0, 0, 0, 0, 42));
  await file.close();
});

test("shards are read through their index", async () => {
  const inner = await mkdtemp(join(folder, "shards-"));
  const shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
  await writeSafetensors(join(inner, shards[0]!), tensors.slice(0, 3));
  await writeSafetensors(join(inner, shards[1]!), tensors.slice(3));
  const path = join(inner, "model.safetensors.index.json");
  const map = Object.fromEntries(tensors.map(({ name }, i) => [name, shards[i < 3 ? 0 : 1]]));
  const writeIndex = (weight_map: unknown) => writeFile(path, JSON.stringify({ metadata: {}, weight_map }));
  await writeIndex(map);
  const read = await readSafetensors(path);
  for (const { name, dtype, shape, data } of tensors) assert.deepEqual(read.get(name), { dtype, shape, data });

  await writeIndex({ ...map, bytes: shards[1] });
  await assert.rejects(openSafetensors(path), {
    name: "WeightsError",
    message: /places "bytes" in .*does not hold it/,
  });
  await writeIndex({ ...map, bytes: "../secret.safetensors" });
  await assert.rejects(openSafetensors(path), { name: "WeightsError", message: /which is not a file in its folder/ });
  await writeIndex({ bytes: "absent.safetensors" });
  await assert.rejects(openSafetensors(path), {
    name: "WeightsError",
    message: /absent\.safetensors: cannot be opened/,
  });
});

const entry = (from: number, to: number, shape = [(to - from) / 4]) =>
  `{"dtype":"F32","shape":[${shape}],"data_offsets":[${from},${to}]}`;
const refusals: readonly [string, string, RegExp][] = [
  ["a hole between tensors", `{"a":${entry(0, 4)},"b":${entry(8, 16)}}`, /starts at byte \d+ instead of \d+/],
  ["tensors that share bytes", `{"a":${entry(0, 12)},"b":${entry(8, 16)}}`, /starts at byte/],
  ["bytes after the last tensor", `{"a":${entry(0, 8)}}`, /tensors end at byte/],
  ["tensors past the end", `{"a":${entry(0, 32)}}`, /truncated or damaged/],
  ["a shape that does not fill its bytes", `{"a":${entry(0, 16, [5])}}`, /do not fit F32 \[5\]/],
  ["a shape too large to count", `{"a":${entry(0, 16, [2 ** 40, 2 ** 40])}}`, /not a list of sizes/],
  ["a negative size", `{"a":${entry(0, 16, [-4])}}`, /not a list of sizes/],
  ["a name given twice", `{"a":${entry(0, 16)},"a":${entry(0, 16)}}`, /gives a name twice/],
  ["a name given twice in other letters", `{"a":${entry(0, 16)},"\\u0061":${entry(0, 16)}}`, /gives a name twice/],
  [
    "a number type of its own",
    `{"a":{"dtype":"F8_E4M3","shape":[16],"data_offsets":[0,16]}}`,
    /"F8_E4M3" is not supported/,
  ],
  ["a number type from Object", `{"a":{"dtype":"constructor","shape":[4],"data_offsets":[0,16]}}`, /"constructor"/],
  ["no JSON", `{"a":`, /is not JSON/],
  ["words that are no strings", `{"__metadata__":{"a":1},"a":${entry(0, 16)}}`, /not an object of strings/],
  ["nesting without end", `{"a":${"[".repeat(1_000_000)}`, /is not JSON/],
];
for (const [what, header, message] of refusals) {
  test(`a header with ${what} is refused`, async () => {
    const path = join(folder, "refused.safetensors");
    const text = Buffer.from(header);
    const start = Buffer.alloc(8);
    start.writeBigUInt64LE(BigInt(text.length));
    await writeFile(path, Buffer.concat([start, text, Buffer.alloc(16)]));
    await assert.rejects(openSafetensors(path), { name: "WeightsError", message });
  });
}
