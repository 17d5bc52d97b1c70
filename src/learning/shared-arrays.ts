/** Arrays in memory that worker threads read and write too, kept by name so that a step takes no new memory. */

import type { Numbers } from "../tensor/index.ts";
import type { NamedArrays } from "./optimizer.ts";

/** Whether other threads can use the memory of an array. */
export function isShared({ buffer }: Numbers): boolean {
  return typeof SharedArrayBuffer === "function" && buffer instanceof SharedArrayBuffer;
}

/** `array`, or a copy of it (zeros if there is none), in memory of the kind that `sample` is in: shared or not. */
export function arrayLike(sample: Float32Array, array?: Float32Array): Float32Array {
  const shared = isShared(sample);
  if (array && isShared(array) === shared) return array;
  const bytes = sample.byteLength;
  const made = new Float32Array(shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes));
  if (array) made.set(array);
  return made;
}

/** A copy of weights in shared memory, so that several threads can update them. */
export function sharedCopy(weights: NamedArrays): NamedArrays {
  const copies = new SharedArrays();
  return new Map([...weights].map(([name, numbers]) => [name, copies.copy(name, numbers)]));
}

export class SharedArrays {
  private readonly arrays = new Map<string, Numbers>();

  /** The array of this name with the type and length of `sample`; a new one if it had others. It holds what was written last. */
  like<Given extends Numbers>(name: string, sample: Given): Given {
    const kept = this.arrays.get(name);
    if (kept?.constructor === sample.constructor && kept.length === sample.length) return kept as Given;
    const make = sample.constructor as new (memory: SharedArrayBuffer) => Given;
    const made = new make(new SharedArrayBuffer(sample.byteLength));
    this.arrays.set(name, made);
    return made;
  }

  /** The array of this name, with these numbers. */
  copy<Given extends Numbers>(name: string, numbers: Given): Given {
    const place = this.like(name, numbers);
    (place as Float32Array).set(numbers as Float32Array);
    return place;
  }
}
