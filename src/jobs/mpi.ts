/** The processes that `mpirun` started, by Open MPI's library. */

import { setTimeout as pause } from "node:timers/promises";
import type { LibraryHandle } from "koffi";
import { InputError } from "../errors.ts";
import { optional } from "../files/optional-package.ts";
import { Interrupted } from "../learning/interruption.ts";
import { perform } from "../learning/kernels.ts";
import type { Ranks } from "../learning/ranks.ts";

/** Ranks of Open MPI. */
export interface MpiRanks extends Ranks {
  /** Ends the use of MPI; every rank must call it. */
  close(): void;
}

type Environment = Readonly<Record<string, string | undefined>>;
type Library = ReturnType<typeof bind>;
type Koffi = typeof import("koffi");

const NEEDED = { purpose: "training in several processes", packages: ["koffi"] };
const LIBRARIES = ["libmpi.so.40", "libmpi.40.dylib", "libmpi.so", "libmpi.dylib"];
/** Milliseconds that a signalled process waits for the other ranks before it gives them up; mpirun kills after 1 s. */
const LAST_WAIT = 300;
/** Milliseconds between two looks at a signal. */
const POLL = 50;
/** MPI's level of threads: several call it, one after the other. */
const THREADS_IN_TURN = 2;
/** What MPI takes for an array that is replaced, and for a status that nobody reads. */
const [IN_PLACE, NO_STATUS] = [1n, 0n];

/**
 * The ranks that `mpirun` started this process among, or nothing if it was started alone. @throws InputError if another MPI than Open MPI
 * started it, or Open MPI's library or koffi is missing.
 */
export async function ranksOf(environment: Environment): Promise<MpiRanks | undefined> {
  const count = Number(environment.OMPI_COMM_WORLD_SIZE ?? 1);
  if (count === 1 && Number(environment.PMI_SIZE ?? 1) > 1)
    throw new InputError("this process was started by another MPI; start it with the mpirun of Open MPI");
  if (count === 1) return undefined;
  const mpi = bind(await optional(() => import("koffi"), NEEDED));
  mpi.start(null, null, THREADS_IN_TURN, [0]);
  return ranksIn(mpi, { rank: Number(environment.OMPI_COMM_WORLD_RANK), count });
}

/** The functions and handles of Open MPI's library. */
function bind(foreign: Koffi) {
  const library = loaded(foreign);
  const P = "void *";
  const call = (name: string, words: (typeof P | "int" | ReturnType<Koffi["out"]>)[]) =>
    library.func(name, "int", words);
  return {
    start: call("MPI_Init_thread", [P, P, "int", foreign.out("int *")]),
    barrier: call("MPI_Ibarrier", [P, P]),
    gather: call("MPI_Iallgather", [P, "int", P, P, "int", P, P, P]),
    exchange: call("MPI_Ialltoallv", [P, P, P, P, P, P, P, P, P, P]),
    gatherParts: call("MPI_Iallgatherv", [P, "int", P, P, P, P, P, P, P]),
    test: call("MPI_Test", [P, foreign.out("int *"), P]),
    wait: call("MPI_Wait", [P, P]),
    end: call("MPI_Finalize", []),
    world: library.symbol("ompi_mpi_comm_world"),
    float: library.symbol("ompi_mpi_float"),
    double: library.symbol("ompi_mpi_double"),
  };
}

function loaded(foreign: Koffi): LibraryHandle {
  let reason: unknown;
  for (const name of LIBRARIES)
    try {
      // Open MPI's plugins look for its symbols among all.
      return foreign.load(name, { global: true, lazy: true });
    } catch (error) {
      reason = error;
    }
  throw new InputError(
    `Open MPI's library cannot be loaded (${reason}); install it, for example: apt-get install openmpi-bin`,
  );
}

function ranksIn(mpi: Library, { rank, count }: { rank: number; count: number }): MpiRanks {
  const signals = watchSignals();
  /** What MPI reads and writes while a call runs, which must not be collected. */
  const inUse = new Set<object>();
  const signalled = () => new Interrupted(`rank ${rank} of ${count}: the other ranks have ended`);
  /** Waits until all ranks are here; the others may still compute, so the processor is left to them. */
  async function meet(): Promise<void> {
    const request = Buffer.alloc(8);
    inUse.add(request);
    checked(mpi.barrier(mpi.world, request));
    const finished = [0];
    let since = performance.now();
    for (;;) {
      checked(mpi.test(request, finished, NO_STATUS));
      if (finished[0]) break;
      if (!signals.received) since = performance.now();
      else if (performance.now() - since > LAST_WAIT) throw signalled();
      await pause(1);
    }
    inUse.delete(request);
  }
  /** Starts a call that moves numbers, for which all ranks are ready, and lets another thread wait for its end. */
  async function moved(start: (request: Buffer) => number): Promise<void> {
    const request = Buffer.alloc(8);
    inUse.add(start).add(request);
    checked(start(request));
    const end = new Promise<number>((resolve, reject) =>
      mpi.wait.async(request, NO_STATUS, (error: unknown, code: number) => (error ? reject(error) : resolve(code))),
    );
    const lost = new AbortController();
    const watched = watchLoss(lost.signal);
    try {
      checked(await Promise.race([end, watched]));
    } finally {
      lost.abort();
    }
    inUse.delete(start);
    inUse.delete(request);
  }
  /** Rejects some time after a signal, unless it is aborted. */
  async function watchLoss(over: AbortSignal): Promise<never> {
    for (let left = LAST_WAIT; left > 0; left -= signals.received ? POLL : 0)
      await pause(POLL, undefined, { signal: over }).catch(() => new Promise<never>(() => {}));
    throw signalled();
  }
  const ends = (length: number) => Int32Array.from({ length: count + 1 }, (_, i) => Math.floor((i * length) / count));

  return {
    rank,
    count,
    async gather(numbers) {
      await meet();
      const all = new Float64Array(count * numbers.length);
      const { world, double } = mpi;
      const n = numbers.length;
      await moved((request) => mpi.gather(numbers, n, double, all, n, double, world, request));
      return Array.from({ length: count }, (_, i) => all.subarray(i * n, (i + 1) * n));
    },
    async sum(numbers) {
      await meet();
      const { world, float } = mpi;
      // Each rank adds one part of the numbers of all ranks, and gets the other parts from the others.
      const bounds = ends(numbers.length);
      const starts = bounds.subarray(0, count);
      const lengths = starts.map((start, i) => bounds[i + 1]! - start);
      const own = lengths[rank]!;
      const received = new Float32Array(own * count);
      const each = new Int32Array(count).fill(own);
      const places = each.map((length, i) => length * i);
      await moved((request) =>
        mpi.exchange(numbers, lengths, starts, float, received, each, places, float, world, request),
      );
      const parts = Array.from({ length: count }, (_, i) => received.subarray(i * own, (i + 1) * own));
      const total = numbers.subarray(starts[rank]!, starts[rank]! + own);
      perform({ kernel: "sum", arrays: { total, parts }, numbers: {} });
      await moved((request) => mpi.gatherParts(IN_PLACE, 0, float, numbers, lengths, starts, float, world, request));
    },
    close() {
      signals.stop();
      mpi.end();
    },
  };
}

/** Whether the process was asked to end; while nobody else handles the signals, it ends at once. */
function watchSignals(): { received: boolean; stop(): void } {
  const watch = {
    received: false,
    stop: () => {
      process.off("SIGINT", note);
      process.off("SIGTERM", note);
    },
  };
  const note = (name: "SIGINT" | "SIGTERM"): void => {
    watch.received = true;
    if (process.listenerCount(name) === 1) process.exit(name === "SIGINT" ? 130 : 143);
  };
  process.on("SIGINT", note);
  process.on("SIGTERM", note);
  return watch;
}

function checked(code: number): void {
  if (code !== 0) throw new InputError(`Open MPI reports the error ${code}; run it again, with --resume`);
}
