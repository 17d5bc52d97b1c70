/** Prints a graph as lines of text, to find a tensor in it. */

import { reachable, type Tensor } from "./tensor.ts";

/**
 * One line per tensor that the outputs are made of, inputs first: number, operation and its attributes, inputs, type and
 * shape, scope. Outputs carry their names.
 *
 *     3 matmul(1, 2)            float32 [4, 16]  in layers.0.fc1
 */
export function printGraph(outputs: Readonly<Record<string, Tensor>>): string {
  const tensors = reachable(Object.values(outputs));
  const numbers = new Map(tensors.map((tensor, i) => [tensor, i]));
  const lines = tensors.map((tensor) => {
    const names = Object.keys(outputs).filter((name) => outputs[name] === tensor);
    const inputs = tensor.inputs.map((x) => numbers.get(x)).join(", ");
    const told = attributesOf(tensor);
    return [
      `${numbers.get(tensor)} ${tensor.operation}(${[inputs, told].filter(Boolean).join("; ")})`,
      `${tensor.type} [${tensor.shape.join(", ")}]`,
      `${tensor.scope ? `in ${tensor.scope}` : ""}${names.length ? ` -> ${names.join(", ")}` : ""}`.trim(),
    ] as const;
  });
  const first = Math.max(0, ...lines.map(([head]) => head.length));
  const second = Math.max(0, ...lines.map(([, type]) => type.length));
  return lines.map((line) => `${line[0].padEnd(first)}  ${line[1].padEnd(second)}  ${line[2]}`.trimEnd()).join("\n");
}

/** For example `axes 0, 2`; at most four numbers of a constant are shown. */
function attributesOf(tensor: Tensor): string {
  return Object.entries(tensor.attributes)
    .map(([name, value]) => {
      if (ArrayBuffer.isView(value)) return tensor.count > 4 ? "" : Array.from(value as Float32Array).join(" ");
      return typeof value === "string" ? value : `${name} ${Array.isArray(value) ? `[${value.join(", ")}]` : value}`;
    })
    .filter(Boolean)
    .join(", ");
}
