/** ffmpeg and ffprobe as child processes. */

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { InputError } from "../../errors.ts";

const INSTALL =
  "install it with: apt-get install ffmpeg (Debian, Ubuntu), brew install ffmpeg (macOS), or from https://ffmpeg.org";
/** Maximum number of characters of a program's error output that are kept for a message. */
const MOST_WORDS = 2000;
/** Maximum output of a program, in bytes. */
const MOST_OUTPUT = 64 * 2 ** 20;

/** A running program. */
export interface Running {
  child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Resolves at its end with its error output; rejects if it cannot be started. */
  ended: Promise<{ code: number | null; problems: string }>;
}

/** Starts ffmpeg or ffprobe. Pass a file's name by `fileArgument`, so that it is never read as an option or a protocol. */
export function startProgram(program: "ffmpeg" | "ffprobe", args: readonly string[]): Running {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.on("error", () => {});
  let problems = "";
  createInterface({ input: child.stderr }).on("line", (line) => {
    if (/error|invalid|corrupt|missing|cannot|could not|failed|no such|not found|denied/i.test(line)) {
      if (problems.length < MOST_WORDS) problems += `${line.slice(0, MOST_WORDS)}\n`;
    }
  });
  const ended = new Promise<{ code: number | null; problems: string }>((resolve, reject) => {
    child.on("error", (error: NodeJS.ErrnoException) => {
      const absent = error.code === "ENOENT";
      reject(absent ? new InputError(`reading a video needs ${program}, which is not installed; ${INSTALL}`) : error);
    });
    child.on("close", (code) => resolve({ code, problems: problems.trim() }));
  });
  ended.catch(() => {});
  return { child, ended };
}

/** A path as an argument of ffmpeg, whatever characters it has. */
export function fileArgument(path: string): string {
  return `file:${path}`;
}

/** Runs a program to its end and returns its output. `name`: the video, for messages. */
export async function outputOf(program: "ffmpeg" | "ffprobe", args: readonly string[], name: string): Promise<string> {
  const { child, ended } = startProgram(program, args);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_OUTPUT) {
      child.kill("SIGKILL");
      throw new InputError(`${name} has too many frames or streams to be listed`);
    }
    chunks.push(chunk);
  }
  const { code, problems } = await ended;
  if (code !== 0) throw new InputError(`${name} cannot be read as a video: ${reasonOf(problems, code)}`);
  return Buffer.concat(chunks).toString("utf8");
}

/** The last line of ffmpeg's error output, without the file's name. */
export function reasonOf(problems: string, code: number | null): string {
  const last = problems.split("\n").filter(Boolean).at(-1) ?? `it ended with code ${code}`;
  return last
    .replace(/^(\[[^\]]*\] *)+/, "")
    .replace(/^file:.*: (?=[^:]+$)/, "")
    .trim();
}
