/** A request that is refused with a status of its own. */

/** What the client did is refused, or cannot be answered now. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  constructor(
    /** HTTP status. */
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}
