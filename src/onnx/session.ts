/** A compiled graph: feeds numbers by name and returns numbers by name. */

import type { InferenceSession as OrtSession } from "onnxruntime-common";
import { InputError } from "../errors.ts";
import { countOf, type ElementType, type Numbers, type Shape, type Tensor } from "../tensor/index.ts";
import { type BackendOptions, createSession, runtime } from "./backend.ts";
import { type Fed, type Lowered, type LowerOptions, lower } from "./lower.ts";
import { RecentlyUsed } from "./recently-used.ts";

/** Options of lowering and running. */
export interface SessionOptions extends LowerOptions, BackendOptions {}

/** Numbers by name; results have the element types and shapes of the output tensors. */
export type Feeds = Readonly<Record<string, Numbers>>;
/** The inputs of a run besides `Feeds`. */
export interface RunOptions {
  /** Weights that are not baked in, by checkpoint name. */
  weights?: ReadonlyMap<string, Float32Array>;
  /** Uniform numbers in 0..1 for dropout and drop path. */
  random?: () => number;
  /** Arrays that outputs are written to, by name; in shared memory where a pool runs the trace. */
  results?: Readonly<Record<string, Float32Array>>;
}

const arrays = {
  float32: Float32Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  bool: Uint8Array,
  uint8: Uint8Array,
} as const satisfies Record<ElementType, unknown>;

/** A compiled graph. Dispose it when done, or create it with `await using`. */
export class Session {
  /** ONNX Runtime does not accept shared memory: copies of what is fed and written there, used again by the next run. Such runs must not overlap. */
  private readonly copies = new Map<string, Numbers>();

  private constructor(
    private readonly session: OrtSession,
    private readonly ort: Awaited<ReturnType<typeof runtime>>,
    readonly lowered: Lowered,
  ) {}

  /** Lowers and compiles the graph of the outputs. Dispose it when done. */
  static async compile(outputs: Readonly<Record<string, Tensor>>, options: SessionOptions = {}): Promise<Session> {
    return Session.from(lower(outputs, options), options);
  }

  /** Prepares a lowered model. */
  static async from(lowered: Lowered, options: BackendOptions = {}): Promise<Session> {
    const { bytes, oneThread, notOnWebGpu } = lowered;
    const settings = { ...options, ...(oneThread ? { threads: 1 } : {}), notOnWebGpu };
    return new Session(await createSession(bytes, settings), await runtime(options.device), lowered);
  }

  /** Runs the trace that was compiled. */
  run(feeds: Feeds = {}, options: RunOptions = {}): Promise<Record<string, Numbers>> {
    return this.runTrace(this.lowered, feeds, options);
  }

  /** Runs another trace with the same bytes: the same structure at other sizes. */
  async runTrace(trace: Lowered, feeds: Feeds, options: RunOptions = {}): Promise<Record<string, Numbers>> {
    const { weights = new Map<string, Float32Array>(), random = Math.random, results: given = {} } = options;
    const values: Record<string, InstanceType<typeof this.ort.Tensor>> = {};
    const wrong: string[] = [];
    const feed = (value: Fed, data: Numbers | undefined, kind: string) => {
      const shape = `[${value.shape.join(", ")}]`;
      if (data === undefined) wrong.push(`${kind} ${value.name} ${shape} was not fed`);
      else if (data.length !== countOf(value.shape))
        wrong.push(`${kind} ${value.name} has ${data.length} numbers for ${shape}`);
      else if (!(data instanceof arrays[value.type]))
        wrong.push(`${kind} ${value.name} is ${data.constructor.name}, not ${value.type}`);
      else values[value.name] = ortTensor(this.ort, value, this.unshared(value.name, data));
    };
    for (const value of trace.inputs) feed(value, feeds[value.name], "input");
    for (const value of trace.parameters) feed(value, weights.get(value.name), "weight");
    if (wrong.length > 0) throw new InputError(wrong.join("\n"));
    for (const value of trace.constants) feed(value, value.data, "constant");
    for (const value of trace.dropMasks)
      feed(value, feeds[value.name] ?? drawMask(value.shape, value.rate, random), "mask");
    const results = await this.session.run(values, this.fetchesOf(trace, given));
    return Object.fromEntries(
      trace.outputs.map(({ name }) => {
        const found = numbersOf(results[name]!.data);
        const place = given[name];
        if (place && place !== found) place.set(found as Float32Array);
        return [name, place ?? found];
      }),
    );
  }

  /** The outputs, with the arrays that they are written to. */
  private fetchesOf(trace: Lowered, given: Readonly<Record<string, Float32Array>>) {
    const places = trace.outputs.map((value) => {
      const place = given[value.name];
      return [value.name, place ? ortTensor(this.ort, value, this.privateArray(value.name, place)) : null];
    });
    return Object.fromEntries(places);
  }

  /** The same numbers outside shared memory. */
  private unshared(name: string, data: Numbers): Numbers {
    const own = this.privateArray(name, data);
    if (own !== data) (own as Float32Array).set(data as Float32Array);
    return own;
  }

  /** An array of the same type and length outside shared memory: itself, or one that the session keeps for this name. */
  private privateArray(name: string, data: Numbers): Numbers {
    if (typeof SharedArrayBuffer !== "function" || !(data.buffer instanceof SharedArrayBuffer)) return data;
    const kept = this.copies.get(name);
    if (kept?.length === data.length) return kept;
    const made = data.slice();
    this.copies.set(name, made);
    return made;
  }

  /** Frees the memory; no run may be under way. */
  async dispose(): Promise<void> {
    await this.session.release();
  }

  /** The same as `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/** Runs traces and caches what it prepared for them. */
export interface TraceRunner {
  /** Runs a trace; returns the outputs by name. */
  run(trace: Lowered, feeds: Feeds, options?: RunOptions): Promise<Record<string, Numbers>>;
  /** Frees all sessions. */
  dispose(): Promise<void>;
}

/**
 * Creates a runner with these options for its sessions. `(options) => new SessionPool({ ...options, workers: 1 })` runs them in a worker
 * thread, so that the event loop is free.
 */
export type MakeRunner = (options: BackendOptions) => TraceRunner;

/** Maximum number of cached sessions; each holds its graph and its packed weights. */
export const KEPT_SESSIONS = 8;

interface CachedSession {
  session: Promise<Session>;
  /** Number of current runs; a session in use is not disposed. */
  runs: number;
}

/** One session for all sizes: traces with the same structure share it. Keeps the most recently used sessions. */
export class SessionCache implements TraceRunner {
  private readonly sessions = new RecentlyUsed<string, CachedSession>(KEPT_SESSIONS);
  /** The hash of a trace's bytes; computing it takes as long as running a small graph. */
  private readonly keys = new WeakMap<Lowered, Promise<string>>();

  constructor(private readonly options: SessionOptions = {}) {}

  /**
   * Runs a trace in the session of its structure, which is created if necessary. Throws InputError for inputs that are missing or have
   * another size or type.
   */
  async run(trace: Lowered, feeds: Feeds, options: RunOptions = {}): Promise<Record<string, Numbers>> {
    const key = this.keys.get(trace) ?? hashOf(trace);
    this.keys.set(trace, key);
    const kept = this.session(await key, trace);
    kept.runs++;
    try {
      await this.disposeUnused();
      return await (await kept.session).runTrace(trace, feeds, options);
    } finally {
      kept.runs--;
      await this.disposeUnused();
    }
  }

  /** Number of cached sessions. */
  get size(): number {
    return this.sessions.size;
  }

  private session(key: string, trace: Lowered): CachedSession {
    const known = this.sessions.get(key);
    if (known) return known;
    const kept = { session: Session.from(trace, this.options), runs: 0 };
    kept.session.catch(() => this.sessions.delete(key));
    this.sessions.set(key, kept);
    return kept;
  }

  private async disposeUnused(): Promise<void> {
    for (const { session } of this.sessions.dropped(({ runs }) => runs > 0)) await (await session).dispose();
  }

  async dispose(): Promise<void> {
    const all = this.sessions.values();
    this.sessions.clear();
    for (const { session } of all) await (await session).dispose();
  }

  /** The same as `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

async function hashOf({ bytes }: Lowered): Promise<string> {
  return String(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** Compiles, runs once and disposes: for tests and small computations. */
export async function evaluate<Name extends string>(
  outputs: Readonly<Record<Name, Tensor>>,
  feeds: Feeds = {},
  options: SessionOptions & RunOptions = {},
): Promise<Record<Name, Float32Array>> {
  const session = await Session.compile(outputs, options);
  try {
    return (await session.run(feeds, options)) as Record<Name, Float32Array>;
  } finally {
    await session.dispose();
  }
}

/** The masks of a run's dropout, by name, to feed them if the generator is elsewhere. */
export function drawMasks(trace: Lowered, random: () => number): Record<string, Float32Array> {
  return Object.fromEntries(trace.dropMasks.map(({ name, shape, rate }) => [name, drawMask(shape, rate, random)]));
}

/** Zeros at a rate, and 1/(1-rate) otherwise. The distance between zeros is drawn, so that most elements need no random number. */
function drawMask(shape: Shape, rate: number, random: () => number): Float32Array {
  const mask = new Float32Array(countOf(shape)).fill(1 / (1 - rate));
  const kept = Math.log1p(-rate);
  const distance = () => Math.floor(Math.log1p(-random()) / kept);
  for (let at = distance(); at < mask.length; at += 1 + distance()) mask[at] = 0;
  return mask;
}

function ortTensor(ort: Awaited<ReturnType<typeof runtime>>, { type, shape }: Fed, data: Numbers) {
  const tensor = new ort.Tensor(type, data as Float32Array, shape);
  // Node 24 and later has float16 arrays, and the tensor wraps the bits in one; onnxruntime-node cannot read it.
  if (type === "float16") Object.assign(tensor, { cpuData: data });
  return tensor;
}

/** Node 24 and later returns float16 as its own array type; here it is always bits. */
function numbersOf(data: unknown): Numbers {
  const numbers = data as Numbers;
  if (numbers.constructor.name !== "Float16Array") return numbers;
  return new Uint16Array(numbers.buffer, numbers.byteOffset, numbers.length);
}
