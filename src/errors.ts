/** The errors of Groundling: one class for each kind, with facts as fields; all problems are reported at once. */

/** Tensors whose shapes do not fit: an error in a model or in the program that builds it. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
  constructor(
    /** The operation that failed. */
    readonly operation: string,
    /** The problem in words. */
    readonly problem: string,
    /** Shapes of the operands, in the given order. */
    readonly shapes: readonly (readonly number[])[],
    /** Scope path of the layer that made the call; empty outside all layers. */
    readonly scope: string,
  ) {
    super(
      `${operation}: ${problem}; operands ${shapes.map((s) => `[${s.join(", ")}]`).join(" ")}; in ${scope || "(no scope)"}`,
    );
  }
}

/** A checkpoint that cannot be read, or that does not fit the model. */
export class WeightsError extends Error {
  override readonly name = "WeightsError";
}

/** A recipe or a configuration that cannot be used. */
export class RecipeError extends Error {
  override readonly name = "RecipeError";
}

/** An error in the user's input: a picture, words, a dataset. The message names the input and how to fix it. */
export class InputError extends Error {
  override readonly name = "InputError";
}
