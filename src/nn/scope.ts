/** A layer declares its parameters in a scope: a path as in the checkpoint, and the list of all declared parameters. */

import { inScope, parameter, type Shape, type Tensor } from "../tensor/index.ts";
import { type Initialiser, zeros } from "./initialisers.ts";

/** A parameter's checkpoint name, shape and initial values. */
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

/** A node in the tree of parameter names, in which layers declare their parameters. */
export class Scope {
  constructor(
    private readonly registry: Registry = { parameters: new Map(), records: new Map() },
    readonly path = "",
  ) {}

  /** The scope of a part; a name may have several steps joined by periods. */
  at(name: string | number): Scope {
    return new Scope(this.registry, this.path ? `${this.path}.${name}` : String(name));
  }

  /** Declares a parameter. To share weights, build a layer once and call it twice. */
  parameter(name: string, shape: Shape, initialise: Initialiser = zeros): Tensor {
    const key = this.at(name).path;
    if (this.registry.parameters.has(key)) throw new Error(`parameter ${key} is declared twice`);
    this.registry.parameters.set(key, { name: key, shape, initialise });
    return parameter(key, shape);
  }

  /** Wraps the forward function of a layer, so that tensors and errors have its path. */
  layer<Inputs extends unknown[], Output>(forward: (...inputs: Inputs) => Output): (...inputs: Inputs) => Output {
    return (...inputs) => inScope(this.path, () => forward(...inputs));
  }

  /** Records an intermediate under its own name, for comparison with other implementations. */
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
