/** The speed of a training run and the time left, as text. */

import type { StepReport } from "./training-listener.ts";

/** Running means over about twenty steps. */
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

/** Losses, rate and time left in one short line; unknown values are left out. A run that may end early has "at most" so much left. */
export function progressText(
  { step, totalSteps, loss, losses }: StepReport,
  rate: StepRate,
  { mayEndEarly = false }: { mayEndEarly?: boolean } = {},
): string {
  const names = Object.entries(losses);
  const parts = names.length > 1 ? ` (${names.map(([name, value]) => `${name} ${value.toFixed(3)}`).join(", ")})` : "";
  const { picturesPerSecond } = rate;
  const left = (totalSteps - step) * rate.secondsPerStep;
  return [
    `loss ${loss.toFixed(3)}${parts}`,
    ...(Number.isFinite(picturesPerSecond) ? [`${picturesPerSecond.toPrecision(3)} pictures/s`] : []),
    ...(Number.isFinite(left) ? [`${mayEndEarly ? "at most " : ""}${duration(left)} left`] : []),
  ].join(" · ");
}

/** Seconds as text with the two largest units: "2 h 13 min". */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
