/** Selects and adds elements by index. Indices are int64 tensors. */

import { ShapeError } from "../errors.ts";
import { axisOf, sameShape } from "./layout.ts";
import type { None } from "./operations.ts";
import { currentScope } from "./scope.ts";
import { Tensor } from "./tensor.ts";

const none: None = {};

function checkIndices(operation: string, x: Tensor, index: Tensor): void {
  if (index.type !== "int64")
    throw new ShapeError(operation, `indices are ${index.type}, not int64`, [x.shape, index.shape], currentScope());
}

/** Slices of x along an axis; the shape of the indices replaces the axis. */
export function gather(x: Tensor, index: Tensor, axis = 0): Tensor {
  checkIndices("gather", x, index);
  const at = axisOf(x, axis, "gather");
  const shape = [...x.shape.slice(0, at), ...index.shape, ...x.shape.slice(at + 1)];
  return new Tensor("gather", [x, index], { axis: at }, shape, x.type);
}

/** Rows of a table [rows, width] for int64 ids of any shape. */
export function embedding(table: Tensor, ids: Tensor): Tensor {
  if (table.rank !== 2)
    throw new ShapeError("embedding", "the table is not [rows, width]", [table.shape], currentScope());
  return gather(table, ids, 0);
}

/** result[i][j] = x[i][index[i][j]] along the last of two axes, and likewise in higher rank. */
export function gatherAlong(x: Tensor, index: Tensor, axis: number): Tensor {
  const at = matchingIndex("gatherAlong", x, index, axis);
  return new Tensor("gatherAlong", [x, index], { axis: at }, index.shape, x.type);
}

/** x with updates added at the positions that the indices name along an axis; repeated positions add up. */
export function scatterAddAlong(x: Tensor, index: Tensor, updates: Tensor, axis: number): Tensor {
  const at = matchingIndex("scatterAddAlong", x, index, axis);
  if (!sameShape(index.shape, updates.shape))
    throw new ShapeError(
      "scatterAddAlong",
      "updates differ from the indices in shape",
      [index.shape, updates.shape],
      currentScope(),
    );
  return new Tensor("scatterAddAlong", [x, index, updates], { axis: at }, x.shape, x.type);
}

/** x with updates [k, ...] added to its rows index [k]; repeated rows add up. */
export function scatterAddRows(x: Tensor, index: Tensor, updates: Tensor): Tensor {
  checkIndices("scatterAddRows", x, index);
  if (index.rank !== 1 || !sameShape(updates.shape, [index.count, ...x.shape.slice(1)]))
    throw new ShapeError(
      "scatterAddRows",
      "updates are not [k, ...row]",
      [x.shape, index.shape, updates.shape],
      currentScope(),
    );
  return new Tensor("scatterAddRows", [x, index, updates], none, x.shape, x.type);
}

function matchingIndex(operation: string, x: Tensor, index: Tensor, axis: number): number {
  checkIndices(operation, x, index);
  const at = axisOf(x, axis, operation);
  if (index.rank !== x.rank || index.shape.some((size, i) => i !== at && size > x.shape[i]!))
    throw new ShapeError(
      operation,
      `indices do not lie within x outside axis ${axis}`,
      [x.shape, index.shape],
      currentScope(),
    );
  return at;
}
