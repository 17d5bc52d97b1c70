/** Arrays in memory that worker threads read and write too, kept by name so that a step takes no new memory. */

import type { Numbers } from "../tensor/index.ts";

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
