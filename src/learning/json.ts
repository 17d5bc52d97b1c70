/** A value that JSON writes and reads back unchanged; numbers must be finite. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Something whose state goes into a checkpoint: a random generator, a schedule that looks at scores. */
export interface Restorable {
  /** The state, to be stored in a checkpoint. */
  save(): Json;
  /** Continues from a state that `save` returned. */
  restore(state: Json): void;
}
