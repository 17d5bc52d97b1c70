/** The progress bar of all commands, on standard error: what is done, of how many, and the time left. */

import { SingleBar } from "cli-progress";
import { visible } from "../../files/visible.ts";
import { duration } from "../../learning/progress.ts";

export interface ProgressBarOptions {
  /** What is counted, for example "pictures". */
  unit?: string;
  /** Shown before the bar. */
  label?: string;
  /** Draws nothing. */
  quiet?: boolean | undefined;
  /** Standard error unless given. Where it is no terminal, a line is written every ten seconds. */
  stream?: NodeJS.WritableStream & { isTTY?: boolean };
}

const CLEAR_LINE = "\r\x1b[K";
const SAVE_CURSOR = "\x1b7";
const WRAP_LINES = "\x1b[?7h";
const CUT_LINES = "\x1b[?7l";

/** A bar that leaves the terminal as it was when it stops, and also when the process exits before. */
export class ProgressBar {
  private readonly stream: NodeJS.WritableStream & { isTTY?: boolean };
  private readonly bar: SingleBar;
  private timeLeft = new TimeLeft(0);
  private readonly restore = () => this.stop();

  constructor(private readonly options: ProgressBarOptions = {}) {
    const { unit, label, stream = process.stderr } = options;
    this.stream = stream;
    this.bar = new SingleBar({
      stream,
      format: `${label === undefined ? "" : `${visible(label)} `}{bar} {value}/{total}${unit === undefined ? "" : ` ${unit}`}{words}`,
      barsize: 20,
      noTTYOutput: true,
      notTTYSchedule: 10_000,
      forceRedraw: true,
      // It would take the first Ctrl-C away from everyone else.
      gracefulExit: false,
    });
  }

  get isActive(): boolean {
    return this.bar.isActive;
  }

  /** Draws the bar with `done` of `total`; the time left is reckoned from the first `update` on. */
  start(total: number, done = 0): void {
    if (this.options.quiet) return;
    this.timeLeft = new TimeLeft(total);
    process.once("exit", this.restore);
    this.bar.start(total, done, { words: "" });
  }

  /** Draws how many are done; words of the caller's own stand in place of the time left. */
  update(done: number, words?: string): void {
    const told = words ?? this.timeLeft.words(done, performance.now());
    if (this.isActive) this.bar.update(done, { words: told === "" ? "" : ` · ${told}` });
  }

  /** Lets `print` write whole lines to the terminal without the bar between them. */
  aside(print: () => void): void {
    if (!this.isActive || !this.stream.isTTY) {
      print();
      return;
    }
    this.stream.write(CLEAR_LINE + WRAP_LINES);
    print();
    this.stream.write(CUT_LINES + SAVE_CURSOR);
  }

  /** Ends the bar and gives the terminal its line wrap back. */
  stop(): void {
    process.off("exit", this.restore);
    this.bar.stop();
  }
}

/** The time that is left of counted work, from the time that its first part took. */
export class TimeLeft {
  private first: { done: number; at: number } | undefined;

  constructor(private readonly total: number) {}

  /** For example "2 min 3 s left" at `now` (milliseconds); empty at the first call, and where nothing is known or left. */
  words(done: number, now: number): string {
    this.first ??= { done, at: now };
    const { first, total } = this;
    if (done <= first.done || done >= total) return "";
    return `${duration(((now - first.at) / 1000 / (done - first.done)) * (total - done))} left`;
  }
}
