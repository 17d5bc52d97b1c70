/**
 * Python's pickle format, read as data: https://docs.python.org/3/library/pickletools.html
 *
 * Nothing that a pickle names is looked up or executed. A global stays a name, and what calling it gives is decided by the reader of the
 * file (`PickleRules`) or is left `Opaque`. Only the binary opcodes of protocols 2 to 5 that data needs are known.
 */

import type { ByteReader } from "./byte-reader.ts";

/** A name that a pickle refers to, such as `torch.FloatStorage`. */
export class PickledGlobal {
  constructor(readonly path: string) {}
}

/** An object of an unlisted class: only the name of its global is kept. */
export class Opaque {
  constructor(readonly global: string) {}
}

/** Any value in a pickle; lists, tuples and sets are arrays, and rules may add their own objects. */
export type Pickled = unknown;

/** How the reader of a file handles calls and persistent references. */
export interface PickleRules {
  /** The value of a call; `undefined` if the global is not on the list. */
  call(global: string, parameters: readonly Pickled[]): Pickled;
  /** The object behind a persistent id. */
  persistent(id: Pickled): Pickled;
  /** Sets the state of an object that a call made; without it, states are dropped, such as the versions in an OrderedDict. */
  build?(object: Pickled, state: Pickled): void;
}

/** Maximum number of instructions in a pickle; a checkpoint of 10,000 tensors has about a quarter of a million. */
const MOST_INSTRUCTIONS = 1_000_000;
const LONGEST_NAME = 1000;

/** Reads one pickle and leaves the reader after it. Every error is a `WeightsError`. */
export function unpickle(reader: ByteReader, rules: PickleRules): Pickled {
  const machine = new PickleMachine(reader, rules);
  for (let left = MOST_INSTRUCTIONS; left > 0; left--) {
    const opcode = reader.byte();
    if (opcode === 0x2e) return machine.pop();
    const step = steps[opcode];
    if (!step) throw machine.refuse(`uses the pickle opcode 0x${opcode.toString(16).padStart(2, "0")}, unknown here`);
    step(machine);
  }
  throw machine.refuse(`has a pickle of more than ${MOST_INSTRUCTIONS} instructions`);
}

class PickleMachine {
  private readonly stack: Pickled[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, Pickled>();

  constructor(
    readonly reader: ByteReader,
    readonly rules: PickleRules,
  ) {}

  push(value: Pickled): void {
    this.stack.push(value);
  }

  pop(): Pickled {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw this.refuse("has a pickle that takes from an empty stack");
    return this.stack.pop();
  }

  top(): Pickled {
    const value = this.pop();
    this.stack.push(value);
    return value;
  }

  mark(): void {
    this.marks.push(this.stack.length);
  }

  popToMark(): Pickled[] {
    const mark = this.marks.pop();
    if (mark === undefined) throw this.refuse("has a pickle without a mark that it needs");
    return this.stack.splice(mark);
  }

  pushTuple(length: number): void {
    const items = Array.from({ length }, () => this.pop());
    this.push(items.reverse());
  }

  remember(index: number): void {
    this.memo.set(index, this.top());
  }

  memoize(): void {
    this.remember(this.memo.size);
  }

  recall(index: number): void {
    if (!this.memo.has(index)) throw this.refuse("has a pickle that refers to a value it did not store");
    this.push(this.memo.get(index));
  }

  call(): void {
    const parameters = this.pop();
    const callee = this.pop();
    if (callee instanceof Opaque) this.push(callee);
    else if (callee instanceof PickledGlobal && Array.isArray(parameters)) {
      this.push(this.rules.call(callee.path, parameters) ?? new Opaque(callee.path));
    } else throw this.refuse("has a pickle that calls something other than a global");
  }

  /** Adds names and values to a dictionary; an opaque object stays as it is. */
  setItems(items: readonly Pickled[]): void {
    const target = this.top();
    if (target instanceof Opaque) return;
    if (!(target instanceof Map) || items.length % 2)
      throw this.refuse("has a pickle that sets items of something other than a dictionary");
    for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1]);
  }

  append(items: readonly Pickled[]): void {
    const target = this.top();
    if (target instanceof Opaque) return;
    if (!Array.isArray(target)) throw this.refuse("has a pickle that appends to something other than a list");
    for (const item of items) target.push(item);
  }

  /** A length of eight bytes; a length beyond the file is refused when it is read. */
  length8(): number {
    return Number(this.reader.take(8).readBigUInt64LE(0));
  }

  pushText(length: number): void {
    this.push(this.reader.take(length).toString("utf8"));
  }

  pushBytes(length: number): void {
    this.push(Uint8Array.from(this.reader.take(length)));
  }

  /** A string of Python 2: names in checkpoints are ASCII. */
  pushOldText(length: number): void {
    this.push(this.reader.take(length).toString("latin1"));
  }

  /** A whole number of any length up to 255 bytes, two's complement; a bigint only where a number is not exact. */
  pushLong(length: number): void {
    if (length > 255) throw this.refuse("has a pickle with a whole number of more than 255 bytes");
    const hex = Buffer.from(this.reader.take(length)).reverse().toString("hex");
    const value = BigInt.asIntN(length * 8, BigInt(`0x0${hex}`));
    const near = Number(value);
    this.push(Number.isSafeInteger(near) ? near : value);
  }

  refuse(problem: string): Error {
    return this.reader.file.broken(`${problem} (byte ${this.reader.position})`);
  }
}

/** One instruction per opcode; those that only matter to running code (such as `EXT1`) or to text pickles are absent. */
const steps: Readonly<Record<number, (machine: PickleMachine) => void>> = {
  128: (m) => m.reader.byte(), // PROTO
  149: (m) => m.reader.take(8), // FRAME
  40: (m) => m.mark(), // MARK
  48: (m) => m.pop(), // POP
  49: (m) => m.popToMark(), // POP_MARK
  78: (m) => m.push(null), // NONE
  136: (m) => m.push(true), // NEWTRUE
  137: (m) => m.push(false), // NEWFALSE
  75: (m) => m.push(m.reader.byte()), // BININT1
  77: (m) => m.push(m.reader.take(2).readUInt16LE(0)), // BININT2
  74: (m) => m.push(m.reader.take(4).readInt32LE(0)), // BININT
  138: (m) => m.pushLong(m.reader.byte()), // LONG1
  139: (m) => m.pushLong(m.reader.take(4).readUInt32LE(0)), // LONG4
  71: (m) => m.push(m.reader.take(8).readDoubleBE(0)), // BINFLOAT
  140: (m) => m.pushText(m.reader.byte()), // SHORT_BINUNICODE
  88: (m) => m.pushText(m.reader.take(4).readUInt32LE(0)), // BINUNICODE
  141: (m) => m.pushText(m.length8()), // BINUNICODE8
  85: (m) => m.pushOldText(m.reader.byte()), // SHORT_BINSTRING
  84: (m) => m.pushOldText(m.reader.take(4).readUInt32LE(0)), // BINSTRING
  67: (m) => m.pushBytes(m.reader.byte()), // SHORT_BINBYTES
  66: (m) => m.pushBytes(m.reader.take(4).readUInt32LE(0)), // BINBYTES
  142: (m) => m.pushBytes(m.length8()), // BINBYTES8
  150: (m) => m.pushBytes(m.length8()), // BYTEARRAY8
  93: (m) => m.push([]), // EMPTY_LIST
  125: (m) => m.push(new Map()), // EMPTY_DICT
  143: (m) => m.push([]), // EMPTY_SET
  41: (m) => m.push([]), // EMPTY_TUPLE
  133: (m) => m.pushTuple(1), // TUPLE1
  134: (m) => m.pushTuple(2), // TUPLE2
  135: (m) => m.pushTuple(3), // TUPLE3
  116: (m) => m.push(m.popToMark()), // TUPLE
  145: (m) => m.push(m.popToMark()), // FROZENSET
  97: (m) => m.append([m.pop()]), // APPEND
  101: (m) => m.append(m.popToMark()), // APPENDS
  144: (m) => m.append(m.popToMark()), // ADDITEMS
  115: (m) => m.setItems([m.pop(), m.pop()].reverse()), // SETITEM
  117: (m) => m.setItems(m.popToMark()), // SETITEMS
  113: (m) => m.remember(m.reader.byte()), // BINPUT
  114: (m) => m.remember(m.reader.take(4).readUInt32LE(0)), // LONG_BINPUT
  148: (m) => m.memoize(), // MEMOIZE
  104: (m) => m.recall(m.reader.byte()), // BINGET
  106: (m) => m.recall(m.reader.take(4).readUInt32LE(0)), // LONG_BINGET
  99: (m) => m.push(new PickledGlobal(`${m.reader.line(LONGEST_NAME)}.${m.reader.line(LONGEST_NAME)}`)), // GLOBAL
  147: (m) => {
    const [module, name] = [m.pop(), m.pop()].reverse(); // STACK_GLOBAL
    if (typeof module !== "string" || typeof name !== "string") throw m.refuse("has a pickle whose global has no name");
    m.push(new PickledGlobal(`${module.slice(0, LONGEST_NAME)}.${name.slice(0, LONGEST_NAME)}`));
  },
  81: (m) => m.push(m.rules.persistent(m.pop())), // BINPERSID
  82: (m) => m.call(), // REDUCE
  129: (m) => m.call(), // NEWOBJ
  146: (m) => {
    const named = m.pop(); // NEWOBJ_EX: its named parameters are not needed here
    if (!(named instanceof Map)) throw m.refuse("has a pickle that calls without a dictionary of names");
    m.call();
  },
  98: (m) => {
    const state = m.pop(); // BUILD
    m.rules.build?.(m.top(), state);
  },
};
