/** The progress bar of all commands, on stderr: the number done, the total, and the time left. */

import { createRequire } from "node:module";
import type { SingleBar } from "cli-progress";
import { visible } from "../../files/visible.ts";
import { duration } from "../../learning/progress.ts";

export interface ProgressBarOptions {
  /** What is counted, for example "pictures". */
  unit?: string;
  /** Shown before the bar. */
  label?: string;
  /** Shows nothing. */
  quiet?: boolean | undefined;
  /** Default: stderr. If it is not a terminal, writes a line every ten seconds. */
  stream?: NodeJS.WritableStream & { isTTY?: boolean };
}

const CLEAR_LINE = "\r\x1b[K";
const SAVE_CURSOR = "\x1b7";
const WRAP_LINES = "\x1b[?7h";
const CUT_LINES = "\x1b[?7l";

/** A bar that restores the terminal when it stops or when the process exits. */
export class ProgressBar {
  private readonly stream: NodeJS.WritableStream & { isTTY?: boolean };
  /** Made at the start: most commands on one picture show none. */
  private bar: SingleBar | undefined;
  private timeLeft = new TimeLeft(0);
  private readonly restore = () => this.stop();

  constructor(private readonly options: ProgressBarOptions = {}) {
    this.stream = options.stream ?? process.stderr;
  }

  get isActive(): boolean {
    return this.bar?.isActive ?? false;
  }

  /** Shows the bar with `done` of `total`; the time left is estimated from the first `update` on. */
  start(total: number, done = 0): void {
    if (this.options.quiet) return;
    this.timeLeft = new TimeLeft(total);
    process.once("exit", this.restore);
    this.bar ??= this.made();
    this.bar.start(total, done, { words: "" });
  }

  private made(): SingleBar {
    const { unit, label } = this.options;
    const { SingleBar }: typeof import("cli-progress") = createRequire(import.meta.url)("cli-progress");
    return new SingleBar({
      stream: this.stream,
      format: `${label === undefined ? "" : `${visible(label)} `}{bar} {value}/{total}${unit === undefined ? "" : ` ${unit}`}{words}`,
      barsize: 20,
      noTTYOutput: true,
      notTTYSchedule: 10_000,
      forceRedraw: true,
      // Otherwise the bar would handle the first Ctrl-C, and no other handler would get it.
      gracefulExit: false,
    });
  }

  /** Updates the number done; the caller's text, if given, replaces the time left. */
  update(done: number, words?: string): void {
    const told = words ?? this.timeLeft.words(done, performance.now());
    if (this.isActive) this.bar?.update(done, { words: told === "" ? "" : ` · ${told}` });
  }

  /** Hides the bar while `print` writes lines to the terminal. */
  aside(print: () => void): void {
    if (!this.isActive || !this.stream.isTTY) {
      print();
      return;
    }
    this.stream.write(CLEAR_LINE + WRAP_LINES);
    print();
    this.stream.write(CUT_LINES + SAVE_CURSOR);
  }

  /** Stops the bar and restores the terminal's line wrap. */
  stop(): void {
    process.off("exit", this.restore);
    this.bar?.stop();
  }
}

/** Estimates the time left from the time taken so far. */
export class TimeLeft {
  private first: { done: number; at: number } | undefined;

  constructor(private readonly total: number) {}

  /** For example "2 min 3 s left" at `now` (milliseconds); empty at the first call, if unknown, and if no time is left. */
  words(done: number, now: number): string {
    this.first ??= { done, at: now };
    const { first, total } = this;
    if (done <= first.done || done >= total) return "";
    return `${duration(((now - first.at) / 1000 / (done - first.done)) * (total - done))} left`;
  }
}
