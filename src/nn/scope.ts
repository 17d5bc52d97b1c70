/** Where a layer declares its parameters: a path in the checkpoint's own words, and the list of all that was declared. */

import { inScope, parameter, type Shape, type Tensor } from "../tensor/index.ts";
import { type Initialiser, zeros } from "./initialisers.ts";

/** A parameter's checkpoint name, shape and first values. */
export interface ParameterInfo {
  /** Key in the checkpoint. */
  name: string;
  shape: Shape;
  initialise: Initialiser;
}

/** The parameters and records that all scopes of a tree share. */
export interface Registry {
  parameters: Map<string, ParameterInfo>;
  records: Map<string, Tensor>;
}

/** A place in the tree of parameter names: layers declare their parameters in it. */
export class Scope {
  constructor(
    private readonly registry: Registry = { parameters: new Map(), records: new Map() },
    readonly path = "",
  ) {}

  /** The scope of a part; several steps may be joined by dots. */
  at(name: string | number): Scope {
    return new Scope(this.registry, this.path ? `${this.path}.${name}` : String(name));
  }

  /** Declares a parameter. A layer that is to share weights is built once and called twice. */
  parameter(name: string, shape: Shape, initialise: Initialiser = zeros): Tensor {
    const key = this.at(name).path;
    if (this.registry.parameters.has(key)) throw new Error(`parameter ${key} is declared twice`);
    this.registry.parameters.set(key, { name: key, shape, initialise });
    return parameter(key, shape);
  }

  /** The forward function of a layer, so that tensors and errors carry its path. */
  layer<Inputs extends unknown[], Output>(forward: (...inputs: Inputs) => Output): (...inputs: Inputs) => Output {
    return (...inputs) => inScope(this.path, () => forward(...inputs));
  }

  /** Keeps an intermediate under a name of its own, for comparison with other implementations. */
  record(name: string, value: Tensor): Tensor {
    this.registry.records.set(name, value);
    return value;
  }

  /** All parameters in the order of their declaration. */
  get parameters(): readonly ParameterInfo[] {
    return [...this.registry.parameters.values()];
  }

  /** The intermediates of the last trace, by name. */
  get records(): ReadonlyMap<string, Tensor> {
    return this.registry.records;
  }
}
