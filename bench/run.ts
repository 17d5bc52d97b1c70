/**
 * Times Groundling against other implementations, alternately and each in its own process, and prints medians and ratios. A ratio above 1
 * means that Groundling is faster. Implementations that are not installed, cannot run a case, or are not ready within PATIENCE seconds are
 * skipped; so are further runs of an implementation that has spent this time on one kind of run.
 *
 *     node --import tsx bench/run.ts [case...]      environment: THREADS, RUNS, PATIENCE (default 2, 9, 60)
 *
 * PyTorch is that of PYTHON (default /usr/bin/python3, Debian's python3-torch and python3-torchvision). The JavaScript implementations are
 * not dependencies of the package; to add them:
 *
 *     npm install --no-save @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0 @jax-js/jax@0.1.25
 *
 * or install them in another folder and set NODE_PATH to its node_modules.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { cases } from "./cases.ts";

const threads = process.env.THREADS ?? "2";
const runs = Number(process.env.RUNS ?? 9);
const patience = 1000 * Number(process.env.PATIENCE ?? 60);
const asked = process.argv.slice(2);
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const commands: Readonly<Record<string, readonly string[]>> = {
  Groundling: [process.execPath, "--import", "tsx", here("player.ts")],
  PyTorch: [process.env.PYTHON ?? "/usr/bin/python3", here("peers/pytorch.py")],
  "TensorFlow.js": [process.execPath, here("peers/tensorflow.js")],
  "jax-js": [process.execPath, here("peers/jax.js")],
};

class Player {
  readonly times: Record<string, number[]> = { forward: [], train: [] };
  startUp = 0;
  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
    private readonly lines: AsyncIterator<string>,
  ) {}

  /** A process that is ready, or the reason why there is none. */
  static async start(name: string, example: string): Promise<Player | string> {
    const [program = "", ...options] = commands[name]!;
    const child = spawn(program, [...options, example, threads], { stdio: ["pipe", "pipe", "ignore"] });
    child.on("error", () => {});
    const player = new Player(name, child, createInterface({ input: child.stdout! })[Symbol.asyncIterator]());
    const late = setTimeout(() => child.kill(), patience);
    const line = (await player.lines.next()).value;
    clearTimeout(late);
    if (!line) return child.killed ? `is not ready within ${patience / 1000} s` : "does not start";
    const first: { startUp?: number; absent?: string } = JSON.parse(line);
    if (first.startUp === undefined) return `is passed over (${first.absent?.split("\n")[0]})`;
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
    if (typeof player === "string") console.log(`  ${peer} ${player}`);
    else players.push(player);
  }
  for (const kind of ["forward", "train"]) {
    const spent = new Map<Player, number>();
    for (let turn = -2; turn < runs; turn++)
      for (const player of players) {
        if (player.times[kind]!.length > 0 && spent.get(player)! > patience) continue;
        const time = await player.ask(kind);
        spent.set(player, (spent.get(player) ?? 0) + time);
        if (turn >= 0 || spent.get(player)! > patience) player.times[kind]!.push(time);
      }
  }
  const ours = players[0];
  for (const player of players) {
    const figure = (kind: string) => {
      const own = median(player.times[kind]!);
      if (Number.isNaN(own)) return `${kind} cannot be done`;
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
