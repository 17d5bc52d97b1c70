/**
 * Times Groundling against its peers in turns, each in a process of its own, and prints medians and ratios. A ratio above 1 says
 * that Groundling is faster. Peers that are not installed are passed over.
 *
 *   node --import tsx bench/run.ts [case...]      THREADS and RUNS are read from the environment (2 and 9)
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { cases } from "./cases.ts";

const threads = process.env["THREADS"] ?? "2";
const runs = Number(process.env["RUNS"] ?? 9);
const asked = process.argv.slice(2);
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const commands: Readonly<Record<string, readonly string[]>> = {
  Groundling: [process.execPath, "--import", "tsx", here("player.ts")],
  PyTorch: [process.env["PYTHON"] ?? "/usr/bin/python3", here("peers/pytorch.py")],
  "TensorFlow.js": [process.execPath, "--import", "tsx", here("peers/tensorflow.ts")],
  "jax-js": [process.execPath, "--import", "tsx", here("peers/jax.ts")],
};

class Player {
  readonly times: Record<string, number[]> = { forward: [], train: [] };
  startUp = 0;
  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
    private readonly lines: AsyncIterator<string>,
  ) {}

  /** Undefined when the peer is not installed. */
  static async start(name: string, example: string): Promise<Player | undefined> {
    const [program = "", ...options] = commands[name]!;
    const child = spawn(program, [...options, example, threads], { stdio: ["pipe", "pipe", "ignore"] });
    child.on("error", () => {});
    const player = new Player(name, child, createInterface({ input: child.stdout! })[Symbol.asyncIterator]());
    const first: { startUp?: number; absent?: string } = JSON.parse((await player.lines.next()).value ?? "{}");
    if (first.startUp === undefined) return undefined;
    player.startUp = first.startUp;
    return player;
  }

  async ask(what: string): Promise<number> {
    this.child.stdin!.write(`${what}\n`);
    return Number((await this.lines.next()).value);
  }

  end(): void {
    this.child.stdin!.end();
  }
}

for (const name of asked.length > 0 ? asked : Object.keys(cases)) {
  const about = cases[name]?.().about;
  if (!about) throw new Error(`there is no case ${name}; there are ${Object.keys(cases).join(", ")}`);
  console.log(`\n${name}: ${about}; ${threads} threads, medians of ${runs} turns`);
  const players: Player[] = [];
  for (const peer of Object.keys(commands)) {
    const player = await Player.start(peer, name);
    if (player) players.push(player);
    else console.log(`  ${peer} is not installed or has no such case`);
  }
  for (const kind of ["forward", "train"])
    for (let turn = -2; turn < runs; turn++)
      for (const player of players) {
        const time = await player.ask(kind);
        if (turn >= 0) player.times[kind]!.push(time);
      }
  const ours = players[0];
  for (const player of players) {
    const figure = (kind: string) => {
      const own = median(player.times[kind]!);
      return `${kind} ${own.toFixed(1)} ms${player === ours ? "" : ` (${(own / median(ours!.times[kind]!)).toFixed(2)} x)`}`;
    };
    const memory = (await player.ask("memory")).toFixed(0);
    console.log(
      `  ${player.name.padEnd(14)} ${figure("forward").padEnd(30)} ${figure("train").padEnd(30)} ` +
        `start ${player.startUp.toFixed(0)} ms, peak ${memory} MB`,
    );
    player.end();
  }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}
