/** Errors sent from one thread to another, which keeps their fields but not their class. */

import { InputError, RecipeError, ShapeError, WeightsError } from "../errors.ts";

/** An error as plain data. */
export interface PlainError {
  name: string;
  message: string;
  stack: string;
  /** Its own fields, such as a `ShapeError`'s shapes or the `code` of a system error. */
  fields: Readonly<Record<string, unknown>>;
  cause?: PlainError;
}

/** The classes that an error gets again in the other thread. */
const classes = new Map<string, { prototype: Error }>(
  [InputError, RecipeError, ShapeError, WeightsError, TypeError, RangeError, SyntaxError, ReferenceError].map(
    (known) => [known.name, known],
  ),
);

/** Accepts anything that can be thrown. */
export function plainError(thrown: unknown): PlainError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const { name, message, stack = "", cause } = error;
  return {
    ...{ name, message, stack, fields: sendable({ ...error }) },
    ...(cause instanceof Error ? { cause: plainError(cause) } : {}),
  };
}

/** The error with its class, fields and cause. One of an unknown class is an `Error` with its name. */
export function revivedError({ name, message, stack, fields, cause }: PlainError): Error {
  const error = new Error(message, cause ? { cause: revivedError(cause) } : {});
  Object.setPrototypeOf(error, (classes.get(name) ?? Error).prototype);
  Object.assign(error, fields, { stack });
  return error.name === name ? error : Object.assign(error, { name });
}

/** Leaves out fields that cannot be sent, such as functions. */
function sendable(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => canBeSent(value)));
}

function canBeSent(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}
