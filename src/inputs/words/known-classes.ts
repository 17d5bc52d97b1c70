/** The fixed classes of a detector without a language model, through the interface of a prompt: each class is one token. */

import { InputError } from "../../errors.ts";
import { type ClassPrompt, labelsOf, namesInPrompt, type Prompt } from "./prompts.ts";
import { quote } from "./spans.ts";
import type { Encoding, Span } from "./word-pieces.ts";

export class KnownClasses {
  /** Only the class names are known. */
  readonly pieces = undefined;
  private readonly numbers: ReadonlyMap<string, number>;

  constructor(readonly names: readonly string[]) {
    this.numbers = new Map(names.map((name, k) => [name, k]));
  }

  /** All classes in their order, as tokens for training; the token of a class covers one character, see `spanOf`. */
  get encoding(): Encoding {
    return { ids: Int32Array.from(this.names.keys()), spans: [...this.names.keys()].map((k) => [k, k + 1]) };
  }

  /** The span in `encoding` of a class's token. */
  spanOf(name: string): Span {
    const k = this.numberOf([name])[0]!;
    return [k, k + 1];
  }

  /** One pass for the given classes, as one text ("dog. cat.") or a list. Throws InputError that lists the unknown ones. */
  promptOf(asked: string | readonly (string | ClassPrompt)[]): Prompt {
    const labels = typeof asked === "string" ? namesInPrompt(asked) : [...new Set(labelsOf(asked))];
    const pass = {
      caption: JSON.stringify(labels),
      ids: Int32Array.from(this.numberOf(labels)),
      classes: [...labels.keys()],
      labelTokens: labels.map((_, k) => [k]),
    };
    return { labels, passes: [pass] };
  }

  private numberOf(names: readonly string[]): number[] {
    const unknown = names.filter((name) => !this.numbers.has(name));
    if (unknown.length > 0)
      throw new InputError(
        `this model finds only the classes it was trained on (${this.names.map(quote).join(", ")}), not ${unknown.map(quote).join(", ")}; a GLIP takes any words`,
      );
    return names.map((name) => this.numbers.get(name)!);
  }
}
