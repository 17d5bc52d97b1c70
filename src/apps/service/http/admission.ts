/** How many requests are in the service at a time, and how long they take. */

/** Weight of the last request in the mean. */
const WEIGHT = 0.1;
const LONGEST_WAIT = 60;

export interface Admission {
  readonly active: number;
  /** Seconds after which a refused client may try again. */
  readonly retryAfter: number;
  /** Lets a request in, and gives what to call once when it has ended; undefined if the service is full. */
  enter(): (() => void) | undefined;
}

/** Lets in at most `most` requests at the same time. */
export function admission(most: number): Admission {
  let active = 0;
  let meanSeconds = 1;
  return {
    get active() {
      return active;
    },
    get retryAfter() {
      return Math.min(LONGEST_WAIT, Math.max(1, Math.ceil(meanSeconds)));
    },
    enter() {
      if (active >= most) return undefined;
      active++;
      const start = performance.now();
      return () => {
        active--;
        meanSeconds += WEIGHT * ((performance.now() - start) / 1000 - meanSeconds);
      };
    },
  };
}
