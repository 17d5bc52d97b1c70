/** A value that JSON writes and reads back unchanged; numbers must be finite. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Something whose state goes into a checkpoint: a random generator, a schedule that looks at scores. */
export interface Restorable {
  save(): Json;
  restore(state: Json): void;
}
