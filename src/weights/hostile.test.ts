import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { crc32 } from "node:zlib";
import {
  bytes,
  dictionary,
  global,
  pickle,
  script,
  scriptModule,
  type TensorParts,
  tensor,
  text,
  tuple,
  uint,
  zip,
} from "./fixtures/hand-made.ts";
import { openWeights } from "./open-weights.ts";

const folder = await mkdtemp(join(tmpdir(), "groundling-"));
after(() => rm(folder, { recursive: true }));
const path = join(folder, "hostile");

const zipCheckpoint = (value: Uint8Array, storage: Uint8Array = new Uint8Array(16)) =>
  zip([
    ["a/data.pkl", pickle(value)],
    ["a/data/0", storage],
  ]);

const legacyStart = bytes(
  pickle(bytes([0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19])),
  pickle(bytes("M", uint(1001, 2))),
  pickle(dictionary(["little_endian", bytes([0x88])])),
);
const legacyCheckpoint = (
  value: Uint8Array,
  keys: string[] = ["0"],
  storages: Uint8Array = bytes(uint(4, 8), uint(0, 16)),
) => bytes(legacyStart, pickle(value), pickle(bytes("](", ...keys.map(text), "e")), storages);

/** Opens a file made of these bytes and reads every tensor. */
async function readAll(content: Uint8Array) {
  writeFileSync(path, content);
  const file = await openWeights(path);
  try {
    const read = new Map<string, { about: string; data: Buffer }>();
    for (const { name, dtype, shape, bytes } of file.entries.values()) {
      assert.ok(bytes <= content.length, "a tensor is no larger than its file");
      const data = await file.read(name);
      assert.equal(data.byteLength, bytes);
      read.set(name, { about: `${dtype} ${shape}`, data: Buffer.from(data.buffer as ArrayBuffer) });
    }
    return read;
  } finally {
    await file.close();
  }
}

test("the hand-made checkpoints of this file are valid without changes", async () => {
  const value = dictionary(["w", tensor({ shape: [2, 2], strides: [1, 2] })], ["lr", bytes("G", uint(0, 8))]);
  const storage = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
  const turned = Buffer.from(Float32Array.of(1, 3, 2, 4).buffer);
  for (const content of [zipCheckpoint(value, storage), legacyCheckpoint(value, ["0"], bytes(uint(4, 8), storage))]) {
    assert.deepEqual([...(await readAll(content))], [["w", { about: "F32 2,2", data: turned }]]);
  }
});

test("nothing that a pickle names is executed: it is refused among the tensors and ignored elsewhere", async () => {
  const shell = bytes(global("os", "system"), tuple(text("touch groundling-was-here")), "R");
  const model = dictionary(["w", tensor({})]);
  const read = await readAll(zipCheckpoint(dictionary(["hook", shell], ["model", model])));
  assert.deepEqual([...read.keys()], ["w"]);
  for (const value of [dictionary(["w", tensor({})], ["hook", shell]), dictionary(["model", shell]), shell]) {
    await assert.rejects(readAll(zipCheckpoint(value)), { name: "WeightsError", message: /os\.system/ });
  }
});

test("a checkpoint in which one bit of a number has turned is refused when that tensor is read", async () => {
  const content = zipCheckpoint(dictionary(["w", tensor({})]));
  content[content.lastIndexOf("a/data/0", content.length - 40, "latin1") + 8]! ^= 1;
  await assert.rejects(readAll(content), { name: "WeightsError", message: /the data of "w" is damaged/ });
});

const nest = (depth: number) => bytes("](".repeat(depth), "e".repeat(depth));
const doublings = bytes("]q\x00", ...Array<string>(60).fill("h\x00h\x00\x86q\x00"));
const w = (parts: TensorParts) => zipCheckpoint(dictionary(["w", tensor(parts)]));
const nestedModules = (depth: number) =>
  bytes(`${global("__torch__", "M")})\x81}U\x01a`.repeat(depth), tensor({}), "sb".repeat(depth));
/** Each module holds the one before under two names. */
function doubledModules(times: number): Uint8Array {
  let value = scriptModule("}", text("w"), tensor({}), "s");
  for (let i = 0; i < times; i++)
    value = bytes(value, "q\x000", scriptModule("}", text("a"), "h\x00s", text("b"), "h\x00s"));
  return value;
}
const refusals: Record<string, Uint8Array> = {
  "negative strides": w({ strides: [-1] }),
  "a negative offset": w({ offset: -1 }),
  "a negative size": w({ shape: [-4] }),
  "an offset past the storage": w({ offset: 1 }),
  "a stride past the storage": w({ strides: [2] }),
  "sizes that are too large to count": w({ shape: [2n ** 40n, 2n ** 40n], strides: [0, 0] }),
  "one element repeated beyond the file's size": w({ shape: [2 ** 40], strides: [0] }),
  "more strides than sizes": w({ strides: [1, 1] }),
  "a thousand dimensions": w({ shape: Array<number>(1000).fill(1), strides: Array<number>(1000).fill(1) }),
  "a storage that is larger than its member": w({ count: 8 }),
  "a storage of a negative size": w({ count: -4 }),
  "a storage of 2^60 elements": w({ count: 2n ** 60n }),
  "a storage that is not there": w({ key: "../../etc/passwd" }),
  "a storage of an unlisted type": w({ type: "QInt8Storage" }),
  "one storage in two types": zipCheckpoint(dictionary(["a", tensor({})], ["b", tensor({ type: "IntStorage" })])),
  "two members of one name": zip([
    ["a/data.pkl", pickle(dictionary(["w", tensor({})]))],
    ["a/data/0", new Uint8Array(16)],
    ["a/data/0", new Uint8Array(16)],
  ]),
  "two pickles": zip([
    ["a/data.pkl", pickle(dictionary())],
    ["b/data.pkl", pickle(dictionary())],
  ]),
  "compressed members": zip([["a/data.pkl", pickle(dictionary())]], { method: 8 }),
  "a member of 4 GB": zip([["a/data.pkl", pickle(dictionary())]], { size: 2 ** 32 - 2 }),
  "a member outside the file": zip([["a/data.pkl", pickle(dictionary())]], { header: 2 ** 32 - 2 }),
  "an empty zip": zip([]),
  "a legacy storage that is cut off": legacyCheckpoint(dictionary(["w", tensor({})]), ["0"], uint(4, 8)),
  "a legacy storage of another size": legacyCheckpoint(
    dictionary(["w", tensor({})]),
    ["0"],
    bytes(uint(5, 8), uint(0, 20)),
  ),
  "a legacy storage of 2^62 elements": legacyCheckpoint(
    dictionary(["w", tensor({ count: 2n ** 62n })]),
    ["0"],
    uint(2n ** 62n, 8),
  ),
  "a legacy storage listed twice": legacyCheckpoint(dictionary(["w", tensor({})]), ["0", "0"]),
  "a legacy storage that is not listed": legacyCheckpoint(dictionary(["w", tensor({})]), []),
  "lists nested 100,000 deep": zipCheckpoint(nest(100_000)),
  "tuples that double 60 times": zipCheckpoint(dictionary(["model", doublings])),
  "doubled tuples as names": zipCheckpoint(bytes("}", doublings, "Ns")),
  "a dictionary that holds itself": zipCheckpoint(bytes("}q\x00", text("model"), "h\x00s")),
  "a list that is its own name": zipCheckpoint(bytes("}]q\x00h\x00aNs")),
  "a memo entry that was never made": zipCheckpoint(bytes("j", uint(2 ** 32 - 1, 4))),
  "a memo entry of the last number": zipCheckpoint(bytes("}r", uint(2 ** 32 - 1, 4))),
  "a string of 4 GB": zipCheckpoint(bytes("X", uint(2 ** 32 - 1, 4))),
  "a string of 2^64 bytes": zipCheckpoint(bytes([0x8d], uint(-1, 8))),
  "a whole number of 4 GB": zipCheckpoint(bytes([0x8b], uint(2 ** 32 - 1, 4))),
  "a whole number in 10,000 digits": zipCheckpoint(bytes("L", "9".repeat(10_000), "L\n")),
  "a name without end": zipCheckpoint(bytes("c", "a".repeat(100_000))),
  "marks without end": zipCheckpoint(bytes("(".repeat(3_000_000))),
  "dictionaries without end": zipCheckpoint(bytes("}".repeat(3_000_000))),
  "an empty stack": zipCheckpoint(bytes("R")),
  "a call of a tensor": zipCheckpoint(bytes(tensor({}), ")R")),
  "an extension opcode": zipCheckpoint(bytes([0x82, 1])),
  "no end": zip([["a/data.pkl", bytes([0x80, 2], "}")]]),
  "shared modules that double 60 times": script(doubledModules(60)),
  "modules nested 100,000 deep": script(nestedModules(100_000)),
  "a module that holds itself alone": script(scriptModule("q\x00", "}", text("self"), "h\x00s")),
  "modules whose names are longer than any": script(scriptModule("}", text("n".repeat(2000)), tensor({}), "s")),
  "nothing at all": new Uint8Array(),
  "four bytes of a zip": bytes("PK\x03\x04"),
};
for (const [what, content] of Object.entries(refusals)) {
  test(`a file with ${what} is refused`, { timeout: 20_000 }, async () => {
    await assert.rejects(
      readAll(content),
      (error: Error) => error.name === "WeightsError" && error.message.startsWith(path) && error.message.length < 2000,
    );
  });
}

// Seeded mutations of real files.
type Random = (below: number) => number;

function randomOf(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0; // mulberry32
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const lies = [0n, 1n, 255n, 2n ** 16n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 40n, 2n ** 53n, 2n ** 63n, -1n];
const opcodes = bytes(
  "(.0}])tRbcQseuaXUTBCGKMJN",
  [0x80, 0x81, 0x85, 0x87, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x93, 0x94, 0x95],
);
const mutations: readonly ((content: Buffer, random: Random) => Buffer)[] = [
  function flipBits(content, random) {
    for (let left = 1 + random(6); left > 0; left--) content[random(content.length)]! ^= 1 << random(8);
    return content;
  },
  function truncate(content, random) {
    return content.subarray(0, random(content.length));
  },
  function lie(content, random) {
    const size = 1 + random(8);
    uint(lies[random(lies.length)]!, size).copy(content, random(content.length - size));
    return content;
  },
  function lieInHeader(content, random) {
    uint(lies[random(lies.length)]!, 8).copy(content, random(16));
    return content;
  },
  function overwriteOpcodes(content, random) {
    for (let left = 1 + random(4); left > 0; left--) content[random(content.length)] = opcodes[random(opcodes.length)]!;
    return content;
  },
  function copyWithin(content, random) {
    content.copyWithin(random(content.length), random(content.length), random(content.length));
    return content;
  },
  function splice(content, random) {
    const [from, to, at] = [random(content.length), random(content.length), random(content.length)];
    return bytes(content.subarray(0, at), content.subarray(from, to), content.subarray(random(content.length)));
  },
  function drop(content, random) {
    const at = random(content.length);
    return bytes(content.subarray(0, at), content.subarray(at + 1 + random(20)));
  },
];

/** Corrects the checksums in a zip's directory, so that changes in its pickle are not detected by them. */
function repairChecksums(content: Buffer): Buffer {
  let at = content.readUInt32LE(content.length - 6);
  while (at + 46 < content.length && content.readUInt32LE(at) === 0x02014b50) {
    const header = content.readUInt32LE(at + 42);
    const start = header + 30 + content.readUInt16LE(header + 26) + content.readUInt16LE(header + 28);
    content.writeUInt32LE(crc32(content.subarray(start, start + content.readUInt32LE(at + 20))), at + 16);
    at += 46 + content.readUInt16LE(at + 28) + content.readUInt16LE(at + 30) + content.readUInt16LE(at + 32);
  }
  return content;
}

/** Position of a zip's pickle; those that PyTorch writes start with it. */
function pickleOf(content: Buffer): Buffer {
  const start = 30 + content.readUInt16LE(26) + content.readUInt16LE(28);
  return content.subarray(start, content.indexOf("PK", start, "latin1"));
}

const fixture = (name: string) => readFile(join(import.meta.dirname, "fixtures", name));

for (const [name, times] of [
  ["types.safetensors", 2000],
  ["types-legacy.pth", 2000],
  ["views-legacy.pth", 1000],
  ["training-legacy.pth", 1000],
  ["types.pth", 1000],
  ["views.pth", 500],
  ["training.pth", 500],
] as const) {
  test(`${times} mutations of ${name} are read or refused`, { timeout: 60_000 }, async () => {
    const original = await fixture(name);
    const random = randomOf(times + name.length);
    const sound = await readAll(original);
    for (let round = 0; round < times; round++) {
      const mutate = mutations[round % mutations.length]!;
      const content = mutate(Buffer.from(original), random);
      const read = await readAll(content).catch((error: Error) => {
        assert.equal(error.name, "WeightsError", `${mutate.name}, round ${round}: ${error.stack}`);
      });
      // A zip has checksums: its values are right. Views do not read everything that a checksum covers.
      for (const [key, { about, data }] of name === "types.pth" && read ? read : []) {
        assert.equal(about, sound.get(key)?.about);
        assert.deepEqual(data, sound.get(key)?.data, `${mutate.name}, round ${round}: ${key}`);
      }
    }
  });
}

for (const name of ["types.pth", "views.pth"]) {
  test(`1000 mutations within the pickle of ${name} are read or refused`, { timeout: 60_000 }, async () => {
    const original = await fixture(name);
    const random = randomOf(7);
    for (let round = 0; round < 1000; round++) {
      const content = Buffer.from(original);
      const changed = mutations[round % mutations.length]!(Buffer.from(pickleOf(content)), random);
      changed.copy(pickleOf(content), 0, 0, pickleOf(content).length);
      await readAll(repairChecksums(content)).catch((error: Error) => {
        assert.equal(error.name, "WeightsError", `round ${round}: ${error.stack}`);
      });
    }
  });
}
