/** Runs the program as a user does, with a small model with random weights. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Random } from "../../src/data/random.ts";
import type { DetectorType } from "../../src/models/families.ts";
import { glip } from "../../src/models/glip/glip.ts";
import { glipPresets } from "../../src/models/glip/glip-presets.ts";
import { type GlipV2Config, glipV2 } from "../../src/models/glip-v2/glip-v2.ts";
import type { Detector } from "../../src/models/parts/detector.ts";
import { writeModelFolder } from "../../src/tasks/finding/model-folder.ts";

export const repository = fileURLToPath(new URL("../../", import.meta.url));

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface RunEnvironment {
  cwd?: string;
  env?: Record<string, string>;
  /** Bytes for standard input; default: none. */
  input?: string | Uint8Array;
}

const loader = new URL("node_modules/tsx/dist/loader.mjs", `file://${repository}`).href;
/** Node's arguments for running the program from its sources. */
export const program = ["--import", loader, join(repository, "src/apps/cli/main.ts")];

/** A running `groundling`, to which signals can be sent. */
export interface Running {
  child: ChildProcess;
  /** Its output so far. */
  ran: Ran;
  ended: Promise<Ran>;
}

/** Starts `groundling` with these arguments in the repository, or in another folder. */
export function started(words: readonly string[], environment: RunEnvironment = {}): Running {
  return followed(process.execPath, [...program, ...words], environment);
}

/** Starts `groundling` in its own terminal; text written to its input is typed there: "\x03" is Ctrl-C. All output is in `stdout`. */
export function startedInTerminal(words: readonly string[], surroundings: RunEnvironment = {}): Running {
  const quoted = [process.execPath, ...program, ...words].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  return followed("script", ["-qec", quoted.join(" "), "/dev/null"], surroundings);
}

/** Runs `groundling` to its end. */
export function groundling(words: readonly string[], surroundings: RunEnvironment = {}): Promise<Ran> {
  const { child, ended } = started(words, surroundings);
  child.stdin!.end(surroundings.input);
  return ended;
}

function followed(file: string, words: readonly string[], { cwd = repository, env = {} }: RunEnvironment): Running {
  const child = spawn(file, words, { cwd, env: { ...process.env, ...env }, stdio: "pipe" });
  const ran: Ran = { code: null, stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    ran.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    ran.stderr += text;
  });
  // A program that refuses its arguments does not read its input.
  child.stdin.on("error", () => {});
  const ended = new Promise<Ran>((done, fail) => {
    child.on("error", fail);
    child.on("close", (code) => done({ ...ran, code }));
  });
  return { child, ran, ended };
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "groundling-cli-"));
}

const tiny = { ...glipPresets.nano, bert: { ...glipPresets.nano.bert, vocabularySize: 7848 } };

/** Writes a model folder with random weights that find something in most pictures. */
export async function writeTinyModel(folder: string): Promise<void> {
  await writeRandom(folder, { type: "groundling-glip", config: tiny, model: glip(tiny) });
}

/** The same for a GLIPv2 with these heads. */
export async function writeTinyGlipV2(folder: string, heads: Pick<GlipV2Config, "heads" | "answers">): Promise<void> {
  const config = { ...tiny, ...heads };
  await writeRandom(folder, { type: "groundling-glip-v2", config, model: glipV2(config) });
}

async function writeRandom(
  folder: string,
  { type, config, model }: { type: DetectorType; config: object; model: Detector },
): Promise<void> {
  const random = new Random(1, "tiny model");
  const weights = model.parameters.map(({ name, shape, initialise }) => {
    const data = initialise(shape, () => random.unit());
    const loud = /projection_text.weight|bbox_pred.weight|centerness.weight/.test(name);
    if (loud) for (let i = 0; i < data.length; i++) data[i]! *= 12;
    if (name === "rpn.head.bias0") data.fill(-1);
    return { name, dtype: "F32" as const, shape, data };
  });
  const vocabulary = join(repository, "assets/words/vocab.txt");
  await writeModelFolder(folder, {
    type,
    config,
    size: { short: 96, max: 160 },
    vocabulary,
    card: "# tiny\n",
    weights,
  });
}
