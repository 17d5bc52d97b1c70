/** The mistakes that Groundling names: one class per kind, facts as fields, everything wrong reported at once. */

/** Tensors that do not fit together: a mistake in a model or in the program that builds it. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
  constructor(
    /** The operation that refused. */
    readonly operation: string,
    /** What is wrong, in words. */
    readonly problem: string,
    /** Shapes of the operands, in the order in which they were given. */
    readonly shapes: readonly (readonly number[])[],
    /** Scope path of the layer that made the call; empty outside any layer. */
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

/** A recipe or a configuration that cannot be carried out. */
export class RecipeError extends Error {
  override readonly name = "RecipeError";
}

/** Something wrong with what the user brought: a picture, words, a dataset. Names the input and the mend. */
export class InputError extends Error {
  override readonly name = "InputError";
}
