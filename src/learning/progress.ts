/** A progress bar with the losses, the rate and the time left. */

import { SingleBar } from "cli-progress";
import type { StepReport, TrainingListener } from "./training-listener.ts";

/** Draws on `stream`; where that is no terminal, writes a line every ten seconds. */
export function progressBar(stream: NodeJS.WritableStream = process.stderr): TrainingListener {
  const bar = new SingleBar({
    stream,
    format: "{bar} {value}/{total}{words}",
    barsize: 20,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
    gracefulExit: false,
  });
  const rate = new StepRate();
  return {
    started: ({ step, totalSteps }) => bar.start(totalSteps, step, { words: "" }),
    stepped(report) {
      rate.add(report);
      bar.update(report.step, { words: ` · ${progressWords(report, rate)}` });
    },
    ended: () => bar.stop(),
  };
}

/** Running means over some twenty steps. */
export class StepRate {
  private pictures = 0;
  private steps = 0;
  private seconds = 0;

  add({ pictures, seconds }: Pick<StepReport, "pictures" | "seconds">): void {
    this.pictures = this.pictures * 0.95 + pictures;
    this.steps = this.steps * 0.95 + 1;
    this.seconds = this.seconds * 0.95 + seconds;
  }

  get picturesPerSecond(): number {
    return this.pictures / this.seconds;
  }

  get secondsPerStep(): number {
    return this.seconds / this.steps;
  }
}

/** Losses, rate and time left of a step in one short line. */
export function progressWords({ step, totalSteps, loss, losses }: StepReport, rate: StepRate): string {
  const names = Object.entries(losses);
  const parts = names.length > 1 ? ` (${names.map(([name, value]) => `${name} ${value.toFixed(3)}`).join(", ")})` : "";
  const pictures = `${rate.picturesPerSecond.toPrecision(3)} pictures/s`;
  return `loss ${loss.toFixed(3)}${parts} · ${pictures} · ${duration((totalSteps - step) * rate.secondsPerStep)} left`;
}

/** Seconds as hours, minutes and seconds, the two largest of them. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
